import {
  type Accuracy,
  type AdversarialImage,
  accuracyOf,
  type Evaluation,
  evaluate,
} from '@llr/attacks';
import type { Classifier, ImageSource, ThreatModel } from '@llr/core';
import { tensor1d } from '@tensorflow/tfjs-core';
import { type ExampleGamma, localLinearityHistogram } from '../local-linearity-histogram.ts';
import { mean, quantile } from '../numbers.ts';
import { greyRadius, radiiAround } from './epsilon-curve.ts';
import { brokenBy, correctOnes, type Evidence } from './evidence.ts';
import { judge } from './judge.ts';
import { neighbourCorrelation } from './neighbour-correlation.ts';
import { restartsUntilBroken } from './restarts-until-broken.ts';
import { transferred } from './transferred.ts';
import type {
  CurvePoint,
  GammaStatistics,
  NoiseStatistics,
  ObfuscationVerdict,
} from './verdict.ts';
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
  const attacks = withTransfer(verdictAttacks(options), options.surrogate);
  const grey = greyRadius(threat, classifier);
  const { evaluation, correlations } = await attackedAtEpsilon(options, attacks);
  const byEpsilon = [];
  for (const radius of threat.withRadius ? radiiAround(epsilon, grey) : [epsilon]) {
    const found = radius === epsilon ? evaluation : await attackedAt(radius, options, attacks);
    byEpsilon.push({ epsilon: radius, evaluation: found });
  }
  const gammas = await gammasOf(options);
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
    gamma: gammaStatistics(gammas),
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

async function gammasOf(options: ObfuscationVerdictOptions): Promise<ExampleGamma[]> {
  const { journal = noJournal, signal, onProgress } = options;
  const known = journal.restored.find((one) => 'gammas' in one);
  if (known) return known.gammas;
  const { classifier, data, threat, seed, batchSize = 64 } = options;
  const { examples } = await localLinearityHistogram({
    classifier,
    data,
    threat,
    seed,
    batchSize,
    onProgress: ({ done, total }) => {
      signal?.throwIfAborted();
      onProgress?.({ part: 'γ', done, total });
    },
  });
  await journal.record({ part: 'γ', gammas: examples });
  return examples;
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

function gammaStatistics(gammas: readonly ExampleGamma[]): GammaStatistics {
  const roots = gammas.map(({ gamma }) => Math.sqrt(gamma)).sort((a, b) => a - b);
  const quantiles = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1];
  return {
    images: roots.length,
    mean: mean(roots),
    quantiles: quantiles.map((q) => ({ q, value: quantile(roots, q) })),
  };
}

const noiseStatistics = (correlations: readonly number[]): NoiseStatistics => ({
  images: correlations.length,
  correlation: correlations.length > 0 ? mean(correlations) : null,
});

async function singleRadius({ radius }: ThreatModel): Promise<number> {
  const [epsilon, ...others] = await radius.data();
  if (!(epsilon! > 0) || others.length > 0) {
    throw new RangeError(
      `A verdict needs one ε above 0 for all images; the threat model has ${[epsilon, ...others].slice(0, 5).join(', ')}.`,
    );
  }
  return epsilon!;
}
