import {
  type Accuracy,
  type AdversarialImage,
  accuracyOf,
  type Evaluation,
  evaluate,
} from '@llr/attacks';
import type { Classifier, ImageSource, ThreatModel } from '@llr/core';
import { tensor1d } from '@tensorflow/tfjs-core';
import {
  type LocalLinearityHistogram,
  localLinearityHistogram,
} from '../local-linearity-histogram.ts';
import { singleRadius } from '../measurement/single-radius.ts';
import { mean } from '../numbers.ts';
import { greyRadius, radiiAround } from './epsilon-curve.ts';
import { brokenBy, correctOnes, type Evidence } from './evidence.ts';
import { judge } from './judge.ts';
import { neighbourCorrelation } from './neighbour-correlation.ts';
import { restartsUntilBroken } from './restarts-until-broken.ts';
import { transferred } from './transferred.ts';
import type { CurvePoint, NoiseStatistics, ObfuscationVerdict } from './verdict.ts';
import {
  allOf,
  type VerdictAttacks,
  type VerdictBudget,
  verdictAttacks,
} from './verdict-attacks.ts';
import { journalOf, noJournal, type VerdictJournal } from './verdict-journal.ts';

/** How far a verdict has got: its parts one after another, each from 0 to `total`. */
export interface VerdictProgress {
  /** "attacks", "ε = 0.2", …, "γ" */
  part: string;
  done: number;
  total: number;
  /** The attack at work. */
  attack?: string;
}

export interface ObfuscationVerdictOptions extends VerdictBudget {
  classifier: Classifier;
  /** Some hundred images: at least 20 that the network gets right. */
  data: ImageSource;
  /** With one radius for all images, above 0. */
  threat: ThreatModel;
  seed: number;
  /** Default 64, as of `evaluate`. */
  batchSize?: number;
  /** Another network for the same images: what breaks it is tried on this one (transfer). */
  surrogate?: Classifier;
  journal?: VerdictJournal;
  onProgress?: (progress: VerdictProgress) => void;
  /** Ends it after the batch at hand, with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Whether the robustness that attacks report for a network is real, or its gradients are masked (obfuscated), by the signs of
 * Athalye et al. 2018 and Carlini et al. 2019, AutoAttack's flags and Sec. F.4: robust accuracy against steps, restarts and ε; one
 * step against many, one loss against another, white box against black box; γ; the look of perturbations; `evaluate`'s
 * self-checks. Each finding comes with its reason in words.
 *
 * It takes about 1000 gradients an image and as many forward passes as `queries`, fewer for images that break early.
 *
 * @throws RangeError for an ε that isn't a single one above 0, or a bad budget; as `evaluate` and `localLinearityHistogram`
 */
export async function obfuscationVerdict(
  options: ObfuscationVerdictOptions,
): Promise<ObfuscationVerdict> {
  const { classifier, threat, seed } = options;
  const epsilon = await singleRadius(threat);
  if (!(epsilon > 0)) throw new RangeError(`A verdict needs an ε above 0; got ${epsilon}.`);
  const attacks = withTransfer(verdictAttacks(options), options.surrogate);
  const grey = greyRadius(threat, classifier);
  const { evaluation, correlations } = await attackedAtEpsilon(options, attacks);
  const byEpsilon = [];
  for (const radius of threat.withRadius ? radiiAround(epsilon, grey) : [epsilon]) {
    const found = radius === epsilon ? evaluation : await attackedAt(radius, options, attacks);
    byEpsilon.push({ epsilon: radius, evaluation: found });
  }
  const histogram = await gammasOf(options);
  const gammas = histogram.examples;
  const evidence: Evidence = { attacks, evaluation, byEpsilon, grey, gammas, correlations };
  const { clean, robust, data, warnings } = evaluation;
  return {
    ...judge(evidence),
    classifier: classifier.name,
    data,
    threat: { name: threat.name, epsilon },
    seed,
    clean,
    robust,
    curves: {
      steps: attacks.bySteps.map(({ steps, attack }) => ({
        at: steps,
        accuracy: accuracyUnder(evaluation, attack.name),
      })),
      restarts: restartsCurve(evaluation, attacks),
      epsilon: byEpsilon.map((one) => ({
        at: one.epsilon,
        accuracy: accuracyUnder(one.evaluation, attacks.usual.name),
      })),
    },
    attacks: [
      attacks.oneStep,
      attacks.crossEntropy,
      attacks.usual,
      attacks.bySteps.at(-1)!.attack,
      attacks.multiTargeted,
      ...attacks.blackBox,
    ]
      .filter((attack, i, all) => all.indexOf(attack) === i)
      .map(({ name, access = 'white-box' }) => ({
        name,
        access,
        accuracy: accuracyUnder(evaluation, name),
      })),
    gamma: { images: gammas.length, ...histogram.sqrtGamma },
    noise: noiseStatistics(correlations),
    warnings,
  };
}

const withTransfer = (attacks: VerdictAttacks, surrogate?: Classifier): VerdictAttacks =>
  surrogate
    ? { ...attacks, blackBox: [...attacks.blackBox, transferred(attacks.usual, surrogate)] }
    : attacks;

/** All attacks at the threat model's own ε. */
async function attackedAtEpsilon(
  options: ObfuscationVerdictOptions,
  attacks: VerdictAttacks,
): Promise<{ evaluation: Evaluation; correlations: number[] }> {
  const { journal = noJournal, classifier } = options;
  const part = 'attacks';
  const correlations = journal.restored.flatMap((one) =>
    'entry' in one && one.part === part ? (one.correlations ?? []) : [],
  );
  const correlationsOf = (broken: readonly AdversarialImage[]) =>
    broken
      .filter(({ attack }) => attack === attacks.usual.name)
      .map(({ image, perturbation }) =>
        neighbourCorrelation(image, perturbation, classifier.inputShape),
      )
      .filter((found) => found !== null);
  const evaluation = await evaluate({
    ...settingOf(options, part),
    attacks: allOf(attacks),
    activeSet: 'within-attack',
    journal: journalOf(journal, part, (broken) => {
      const found = correlationsOf(broken);
      correlations.push(...found);
      return found;
    }),
  });
  return { evaluation, correlations };
}

/** The usual attack at another ε. */
async function attackedAt(
  epsilon: number,
  options: ObfuscationVerdictOptions,
  { usual }: VerdictAttacks,
): Promise<Evaluation> {
  const { journal = noJournal } = options;
  const part = `ε = ${Number(epsilon.toPrecision(3))}`;
  const radius = tensor1d([epsilon]);
  try {
    return await evaluate({
      ...settingOf(options, part),
      threat: options.threat.withRadius!(radius),
      attacks: [usual],
      selfChecks: false,
      journal: journalOf(journal, part),
    });
  } finally {
    radius.dispose();
  }
}

const settingOf = (
  { classifier, data, threat, seed, batchSize, onProgress, signal }: ObfuscationVerdictOptions,
  part: string,
) => ({
  classifier,
  data,
  threat,
  seed,
  ...(batchSize !== undefined && { batchSize }),
  ...(signal && { signal }),
  onProgress: ({ attack, done, total }: { attack: string; done: number; total: number }) =>
    onProgress?.({ part, done, total, attack }),
});

/** √γ of all images, as in Fig. F3. */
function gammasOf({
  journal = noJournal,
  classifier,
  data,
  threat,
  seed,
  batchSize = 64,
  onProgress,
  signal,
}: ObfuscationVerdictOptions): Promise<LocalLinearityHistogram> {
  return localLinearityHistogram({
    classifier,
    data,
    threat,
    seed,
    batchSize,
    journal: {
      restored: journal.restored.flatMap((one) => ('gammas' in one ? one.gammas : [])),
      record: async (gammas) => journal.record({ part: 'γ', gammas: [...gammas] }),
    },
    onProgress: (progress) => onProgress?.({ part: 'γ', ...progress }),
    ...(signal && { signal }),
  });
}

/** Of all examples, those that are right unperturbed and under every run of one attack. */
const accuracyUnder = (evaluation: Evaluation, attack: string): Accuracy =>
  accuracyOf(
    correctOnes(evaluation).length - brokenBy(evaluation, attack).size,
    evaluation.examples.length,
  );

function restartsCurve(evaluation: Evaluation, { restarts }: VerdictAttacks): CurvePoint[] {
  const needed = restartsUntilBroken(evaluation, restarts.name);
  const correct = correctOnes(evaluation).length;
  const count = Number(restarts.settings!.restarts);
  return Array.from({ length: count }, (_, i) => ({
    at: i + 1,
    accuracy: accuracyOf(
      correct - needed.filter((until) => until <= i + 1).length,
      evaluation.examples.length,
    ),
  }));
}

const noiseStatistics = (correlations: readonly number[]): NoiseStatistics => ({
  images: correlations.length,
  correlation: correlations.length > 0 ? mean(correlations) : null,
});
