import {
  adam,
  assertLabels,
  type Batch,
  type Classifier,
  type ImageSource,
  localLinearityObjective,
  type Maximizer,
  projectedAscent,
  type RandomSource,
  randomSource,
  type ThreatModel,
  unreadableIndices,
} from '@llr/core';
import { compile, orEagerly } from '@llr/engine';
import { gather, type Tensor1D, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { mean, quantile } from './numbers.ts';

/** γ(ε, x) of one image, in units of the loss. */
export interface ExampleGamma {
  /** Which image of the source. */
  index: number;
  /** The largest g found: a lower bound of the true maximum. */
  gamma: number;
}

/** How γ is spread over a set of images (Fig. F3). Plain data, fit for JSON. */
export interface LocalLinearityHistogram {
  threat: { name: string; epsilon: number };
  seed: number;
  examples: ExampleGamma[];
  /** Of √γ, the quantity of Fig. F3. */
  sqrtGamma: { mean: number; quantiles: { q: number; value: number }[] };
}

export interface LocalLinearityHistogramOptions {
  classifier: Classifier;
  data: ImageSource;
  /** With one radius for all images. */
  threat: ThreatModel;
  /** Default 50 Adam steps of 0.1, keeping the largest g seen, as in Fig. F3. */
  maximizer?: Maximizer;
  seed: number;
  /** Default 100. Every batch is filled up to it, so that the result doesn't depend on neighbours. */
  batchSize?: number;
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * The local linearity measure γ(ε, x) = max g(δ; x) of every image of a source, with the mean and the
 * quantiles of √γ (Fig. F3). Images stream through in batches; the random start of each depends on the seed
 * and its index alone.
 *
 * @throws Error when a γ is not a number, or the source is empty
 */
export async function localLinearityHistogram(
  options: LocalLinearityHistogramOptions,
): Promise<LocalLinearityHistogram> {
  const { classifier, data, threat, seed, batchSize = 100, onProgress } = options;
  checkShape(classifier, data);
  const epsilon = await singleRadius(threat);
  const random = randomSource(seed).fork('local-linearity');
  const examples: ExampleGamma[] = [];
  const measure = measureOf(options);
  try {
    for await (const batch of data.batches({ batchSize })) {
      examples.push(...(await gammasOf(batch, batchSize, random, options, measure)));
      onProgress?.({ done: examples.length, total: data.size });
    }
  } finally {
    measure.dispose();
  }
  if (examples.length === 0) throw new Error(`${data.name} (${data.split}) has no images.`);
  const roots = examples.map(({ gamma }) => Math.sqrt(gamma)).sort((a, b) => a - b);
  return {
    threat: { name: threat.name, epsilon },
    seed,
    examples,
    sqrtGamma: {
      mean: mean(roots),
      quantiles: [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1].map((q) => ({ q, value: quantile(roots, q) })),
    },
  };
}

/** γ of a batch of one size. */
type Measure = (batch: Batch, random: RandomSource) => Tensor1D;

/** Compiled where that can be. */
function measureOf({
  classifier,
  threat,
  maximizer = projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 50, keep: 'best' }),
}: LocalLinearityHistogramOptions): Measure & { dispose(): void } {
  const logits = classifier.freeze('running');
  const { radius, withRadius } = threat;
  const inBall = (ball: ThreatModel, batch: Batch, random: RandomSource): Tensor1D =>
    maximizer.maximize({ ...batch, logits, threat: ball, random }, localLinearityObjective()).value;
  const eagerly: Measure = (batch, random) => tidy(() => inBall(threat, batch, random));
  if (!withRadius) return Object.assign(eagerly, { dispose: () => {} });
  const compiled = compile(
    (images: Tensor4D, labels: Tensor1D, radius: Tensor1D, random: RandomSource) => {
      const indices = unreadableIndices(images.shape[0]);
      return inBall(withRadius(radius), { images, labels, indices }, random);
    },
    { name: 'local linearity' },
  );
  // A network or a maximiser of somebody else's may not be compilable: it is only slower then.
  const measure = orEagerly<Parameters<Measure>, Tensor1D>(
    ({ images, labels }, random) => compiled(images, labels, radius, random),
    eagerly,
    () => {},
  );
  return Object.assign(measure, { dispose: () => compiled.dispose() });
}

async function gammasOf(
  batch: Batch,
  batchSize: number,
  random: RandomSource,
  { classifier, data }: LocalLinearityHistogramOptions,
  measure: Measure,
): Promise<ExampleGamma[]> {
  const count = batch.indices.length;
  // Row `count` and on repeat the last image, to be dropped again.
  const rows = Int32Array.from({ length: batchSize }, (_, row) => Math.min(row, count - 1));
  const indices = rows.map((row) => batch.indices[row]!);
  assertLabels(batch.labels, classifier.numClasses);
  const gamma = tidy(() => {
    const at = tensor1d(rows, 'int32');
    const images = gather(batch.images, at) as Tensor4D;
    const labels = gather(batch.labels, at) as Tensor1D;
    return measure({ images, labels, indices }, random.forExamples(indices));
  });
  batch.images.dispose();
  batch.labels.dispose();
  const values = await gamma.data();
  gamma.dispose();
  return Array.from(batch.indices, (index, row) => {
    const value = values[row]!;
    if (!(value >= 0 && value < Infinity)) {
      throw new Error(
        `γ of image ${index} of ${data.name} (${data.split}) is not a finite number for ${classifier.name}. Check the network's weights and the image.`,
      );
    }
    return { index, gamma: value };
  });
}

function checkShape(classifier: Classifier, data: ImageSource): void {
  if (classifier.inputShape.join() !== data.inputShape.join()) {
    throw new RangeError(
      `${classifier.name} takes images of ${classifier.inputShape.join(' × ')}, but ${data.name} has ${data.inputShape.join(' × ')}.`,
    );
  }
}

async function singleRadius({ radius }: ThreatModel): Promise<number> {
  const radii = await radius.data();
  if (radii.length !== 1) {
    throw new RangeError(
      `A histogram needs one ε for all images; the threat model has ${radii.length}.`,
    );
  }
  return radii[0]!;
}
