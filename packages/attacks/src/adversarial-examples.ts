import type { Attack } from '@llr/core';
import { attackExamples } from './evaluation/attack-examples.ts';
import { restore } from './evaluation/journal.ts';
import { planFor } from './evaluation/plan.ts';
import { type EvaluationOptions, inSetting } from './evaluation/setting.ts';

/** One image and what an attack made of it. */
export interface AdversarialExample {
  /** Which example of the source. */
  index: number;
  label: number;
  /** The class predicted for the image. */
  prediction: number;
  /** The class predicted for the image plus the perturbation. */
  adversarialPrediction: number;
  /** The run that broke it, else the last one; null where the image was misclassified and so not attacked. */
  run: string | null;
  /** `[h · w · c]` in [0, 1]. */
  image: Float32Array;
  /** `[h · w · c]`: the run's; 0 where the image was not attacked. */
  perturbation: Float32Array;
}

/**
 * The perturbations behind an evaluation: what one attack makes of each image of a source, exactly as `evaluate` with the
 * same seed and batch size finds it. Keeps them all, so it is meant for a few images.
 *
 * @returns in the source's order
 * @throws as `evaluate`
 */
export async function adversarialExamples(
  options: EvaluationOptions & { attack: Attack },
): Promise<AdversarialExample[]> {
  const plan = planFor([options.attack], options.classifier, {
    activeSet: 'within-attack',
    targetedSuccess: false,
  });
  const found: AdversarialExample[] = [];
  await inSetting(options, (setting) =>
    attackExamples(setting, plan, restore({ restored: [] }, plan), {
      onClean: (subjects, examples) =>
        subjects.forEach(({ position, index, label, prediction }, row) => {
          const { image } = examples[row]!;
          found[position] = {
            index,
            label,
            prediction,
            adversarialPrediction: prediction,
            run: null,
            image,
            perturbation: new Float32Array(image.length),
          };
        }),
      onJudged: (_attack, judged) => {
        for (const { subject, run, prediction, perturbation } of judged) {
          Object.assign(found[subject.position]!, {
            run: run.name,
            adversarialPrediction: prediction,
            perturbation: perturbation.slice(),
          });
        }
      },
    }),
  );
  return found;
}
