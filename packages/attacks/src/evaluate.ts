import type { Attack } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';
import { attackExamples, type Judged, type Listener } from './evaluation/attack-examples.ts';
import { paddedBatch } from './evaluation/batch.ts';
import {
  type AdversarialImage,
  type Findings,
  type Journal,
  restore,
} from './evaluation/journal.ts';
import { type ActiveSet, type Plan, planFor } from './evaluation/plan.ts';
import type { Example } from './evaluation/read-examples.ts';
import type { OnClean } from './evaluation/read-on.ts';
import { type Evaluation, type ExampleResult, evaluationOf } from './evaluation/result.ts';
import { type EvaluationOptions, inSetting, type Setting } from './evaluation/setting.ts';
import type { Subject } from './evaluation/subject.ts';
import { checkClassifier, type Warning } from './self-checks.ts';

/** What `evaluate` takes beside classifier, data and threat model. */
export interface EvaluateOptions extends EvaluationOptions {
  /** With names of their own; cheap ones first, since what they break is spared the others. */
  attacks: readonly Attack[];
  /**
   * Which examples are attacked again once they are broken: `'across-attacks'` (the default): none; `'within-attack'`: each
   * attack tries all that are classified correctly, so that its accuracy is its own; `'off'`: every run on every one of
   * them. The worst case is the same.
   */
  activeSet?: ActiveSet;
  /**
   * Whether the success rates of targeted attacks are measured (as in Table F3): such attacks are then tried on all
   * examples, those misclassified or broken before included, until one is predicted as its target. Default false.
   */
  targetedSuccess?: boolean;
  /**
   * Whether the first batch is looked at for reasons to doubt the result (see `Warning`), which takes some 50 gradients of up
   * to 32 images. Default true.
   */
  selfChecks?: boolean;
  /** Where what has been judged is written, so that another evaluation can go on from there. */
  journal?: Journal;
}

/**
 * Attacks a classifier on every image of a source. An attack breaks an example if the prediction for x + δ differs from
 * the label in any of its runs; the loss plays no part in that. A misclassified example counts as wrong under every attack.
 *
 * Each try's random numbers depend on the seed, the attack's name, the run and the example's index alone: more restarts
 * only add tries, and an example's result is the same whatever its neighbours, in whatever order, and in however many parts.
 *
 * @throws RangeError for a bad seed or batch size
 * @throws Error when data, classifier and threat model don't fit together, when logits are NaN, when an attack returns
 *   NaN or a perturbation that the threat model doesn't allow, or when the journal is another evaluation's
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { attacks, classifier, activeSet = 'across-attacks', targetedSuccess = false } = options;
  const { selfChecks = true, journal = { restored: [], record: () => {} } } = options;
  const plan = planFor(attacks, classifier, { activeSet, targetedSuccess });
  return inSetting(options, async (setting) => {
    const findings = restore(journal, plan);
    const listener = writeTo(journal);
    const checkedBefore = journal.restored.some((entry) => 'warnings' in entry);
    const checkFirst: OnClean = async (subjects, examples) => {
      if (selfChecks && subjects[0]?.position === 0 && !checkedBefore) {
        findings.warnings.push(...(await checkExamples(setting, examples)));
        await journal.record({ warnings: findings.warnings }, []);
      }
      await listener.onClean(subjects, examples);
    };
    await attackExamples(setting, plan, findings, { ...listener, onClean: checkFirst });
    return resultOf(setting, plan, findings, options.seed);
  });
}

async function checkExamples(setting: Setting, examples: readonly Example[]): Promise<Warning[]> {
  const { radii, data, network, random } = setting;
  const size = examples.length;
  const { count, ...batch } = paddedBatch(examples, size, data.inputShape);
  const epsilons = examples.map(({ position }) => radii.of(position));
  try {
    return await radii.threatFor(epsilons, size, (threat) =>
      checkClassifier({ ...batch, threat, logits: network.logits, random }),
    );
  } finally {
    dispose([batch.images, batch.labels]);
  }
}

function writeTo(journal: Journal): Required<Listener> {
  return {
    onClean: (subjects) => {
      const clean = subjects.map(
        ({ index, label, prediction }) => [index, label, prediction] as const,
      );
      return journal.record({ clean }, []);
    },
    onJudged: (attack, judged, seconds) =>
      journal.record(
        { attack, seconds, rows: judged.map(rowOf) },
        judged.filter(({ breaks }) => breaks).map(adversarialImage),
      ),
    onBegun: (subjects) =>
      journal.keepBegun?.(
        subjects.map(({ position, planned, run, stage }) => ({
          example: position,
          attack: planned.attack.name,
          run,
          stage: stage!,
        })),
      ),
  };
}

const rowOf = ({ subject, runNumber, prediction, target }: Judged) =>
  target === undefined
    ? ([subject.position, runNumber, prediction] as const)
    : ([subject.position, runNumber, prediction, target] as const);

const adversarialImage = (judged: Judged): AdversarialImage => ({
  index: judged.subject.index,
  label: judged.subject.label,
  prediction: judged.prediction,
  attack: judged.attack,
  run: judged.run.name,
  image: judged.image,
  perturbation: judged.perturbation.slice(),
});

function resultOf(
  { classifier, data, radii, batchSize }: Setting,
  { attacks, activeSet, targetedSuccess }: Plan,
  { subjects, spent, warnings }: Findings,
  seed: number,
): Evaluation {
  const exampleOf = (subject: Subject): ExampleResult => ({
    index: subject.index,
    label: subject.label,
    prediction: subject.prediction,
    ...(radii.epsilon === 'per example' && { epsilon: radii.of(subject.position) }),
    brokenBy: subject.brokenBy,
    brokenIn: subject.brokenIn,
    ...(targetedSuccess && { hit: subject.hit }),
  });
  return evaluationOf(
    {
      classifier: classifier.name,
      data: `${data.name}, ${data.split}`,
      threat: { name: radii.name, epsilon: radii.epsilon },
      seed,
      batchSize,
      activeSet,
      classes: classifier.numClasses,
      warnings,
      attacks: attacks.map(({ attack: { name, settings, access = 'white-box' } }) => ({
        name,
        ...(settings && { settings }),
        access,
        ...(spent.get(name) ?? { tries: 0, seconds: 0 }),
      })),
    },
    subjects.map(exampleOf),
  );
}
