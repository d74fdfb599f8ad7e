import type { Attack } from '@llr/core';
import { type Attempt, attackExamples } from './attack-examples.ts';
import { type EvaluationOptions, inSetting, type Setting } from './setting.ts';

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
  return inSetting(options, (setting) => keepLastOf(setting, options.attack));
}

async function keepLastOf(setting: Setting, attack: Attack): Promise<AdversarialExample[]> {
  const { examples, predictions } = setting;
  const length = examples.images.length / examples.count;
  const found = Array.from(
    { length: examples.count },
    (_, row): AdversarialExample => ({
      index: examples.indices[row]!,
      label: examples.labels[row]!,
      prediction: predictions[row]!,
      adversarialPrediction: predictions[row]!,
      run: null,
      image: examples.images.slice(row * length, (row + 1) * length),
      perturbation: new Float32Array(length),
    }),
  );
  const keepLast = ({ row, run, prediction, perturbation }: Attempt) =>
    Object.assign(found[row]!, {
      run: run.name,
      adversarialPrediction: prediction,
      perturbation: perturbation.slice(),
    });
  await attackExamples(setting, attack, keepLast);
  return found;
}
