import {
  type Classifier,
  type ImageSource,
  type Maximizer,
  randomSource,
  type ThreatModel,
} from '@llr/core';
import { boundChecks } from './bounds/bound-checks.ts';
import { propositions } from './bounds/propositions.ts';
import type { MeasurementOptions } from './measurement/journal.ts';
import { measureImages } from './measurement/measure-images.ts';
import { fiftyAdamSteps } from './measurement/search.ts';
import { singleRadius } from './measurement/single-radius.ts';
import { quantile } from './numbers.ts';

/** Which inequality: as the paper names it; "tight" is C.1 with the smaller right side that its proof gives. */
export type BoundName = 'Prop. 4.1' | 'Prop. C.1' | 'Prop. C.1, tight' | 'Prop. C.2';

/**
 * Which δ of the ball an inequality was checked at: the one that raises the loss most, the one where g of this loss is
 * largest (as searches found them), or a random one.
 */
export type BoundPerturbation = 'adversarial' | 'least linear' | 'random';

/** Both sides of an inequality for one image and one δ. */
export interface BoundPair {
  /** Which image of the source. */
  index: number;
  perturbation: BoundPerturbation;
  left: number;
  /** Finite: what overflows is `Number.MAX_VALUE`. */
  right: number;
  /** right − left. */
  slack: number;
  /** Whether left ≤ right, up to the rounding of float32. */
  holds: boolean;
}

/** One inequality over all images. */
export interface PropositionReport {
  name: BoundName;
  /** Where it is stated and proven. */
  source: string;
  /** Both sides as formulas. */
  formula: { left: string; right: string };
  loss: 'cross-entropy' | 'squared error';
  /** For each image, one for each perturbation. */
  pairs: BoundPair[];
  /** Of the slack. */
  quantiles: { q: number; value: number }[];
  /** The images for which it fails, at any perturbation; empty where all is well. */
  violations: number[];
}

/** One image of a bounds report. */
export interface BoundsExample {
  /** Which image of the source. */
  index: number;
  label: number;
  /** ℓ(x), in nats. */
  loss: number;
  /** γ(ε, x) of the cross-entropy: the largest g found. */
  gamma: number;
  /** γ(ε, x) of the squared error ½‖y − f(x)‖², for Prop. C.1. */
  gammaSquaredError: number;
}

/** Props. 4.1, C.1 and C.2 checked over a set of images. Plain data, fit for JSON. */
export interface BoundsReport {
  threat: { name: string; epsilon: number };
  seed: number;
  examples: BoundsExample[];
  propositions: PropositionReport[];
}

/** An image with both sides of each inequality. */
export interface MeasuredBounds {
  example: BoundsExample;
  pairs: Record<BoundName, BoundPair[]>;
}

export interface BoundsReportOptions extends MeasurementOptions<MeasuredBounds> {
  classifier: Classifier;
  data: ImageSource;
  /** With one radius for all images. */
  threat: ThreatModel;
  /** Of the searches for the adversarial and the least linear δ. Default 50 Adam steps of 0.1. */
  maximizer?: Maximizer;
  seed: number;
  /** Default 100. Every batch is filled up to it, so that the result doesn't depend on neighbours. */
  batchSize?: number;
}

/**
 * Checks the paper's inequalities (Props. 4.1, C.1, C.2) for every image of a source, each at three δ of the ball. γ is
 * the largest g that was found: by the search for it, or at any of these δ. A true violation would contradict a proof, so
 * what is violated is rather the arithmetic: a network that isn't twice differentiable, or numbers too large for float32.
 *
 * Images stream through in batches; the random numbers of each depend on the seed and its index alone, and a report that
 * goes on from a journal comes to the same numbers.
 *
 * @throws Error when a side is not a number, naming the image, or the source is empty; as the signal says when it is aborted
 */
export async function boundsReport(options: BoundsReportOptions): Promise<BoundsReport> {
  const { classifier, data, threat, seed, batchSize = 100 } = options;
  const epsilon = await singleRadius(threat);
  const maximizer = options.maximizer ?? fiftyAdamSteps();
  const random = randomSource(seed).fork('bounds');
  const checks = boundChecks({ classifier, threat, maximizer });
  try {
    const measured = await measureImages<MeasuredBounds>({
      ...options,
      batchSize,
      measure: async (batch, count) => {
        const found = await checks.of(batch, count, random.forExamples(batch.indices));
        for (const one of found) assertNumbers(one, classifier, data);
        return found;
      },
    });
    return {
      threat: { name: threat.name, epsilon },
      seed,
      examples: measured.map(({ example }) => example),
      propositions: propositions.map(({ name, source, formula, loss }) => {
        const pairs = measured.flatMap((one) => one.pairs[name]);
        return { name, source, formula, loss, pairs, ...summaryOf(pairs) };
      }),
    };
  } finally {
    checks.dispose();
  }
}

function summaryOf(
  pairs: readonly BoundPair[],
): Pick<PropositionReport, 'quantiles' | 'violations'> {
  const slacks = pairs.map(({ slack }) => slack).sort((a, b) => a - b);
  const failing = pairs.filter(({ holds }) => !holds).map(({ index }) => index);
  return {
    quantiles: [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1].map((q) => ({
      q,
      value: quantile(slacks, q),
    })),
    violations: [...new Set(failing)],
  };
}

function assertNumbers(
  { example, pairs }: MeasuredBounds,
  classifier: Classifier,
  data: ImageSource,
): void {
  const { index, loss, gamma, gammaSquaredError } = example;
  const sides = Object.values(pairs).flatMap((of) =>
    of.flatMap(({ left, right }) => [left, right]),
  );
  if ([loss, gamma, gammaSquaredError, ...sides].every(Number.isFinite)) return;
  throw new Error(
    `The bounds of image ${index} of ${data.name} (${data.split}) are no finite numbers for ${classifier.name}. Check the network's weights and the image.`,
  );
}
