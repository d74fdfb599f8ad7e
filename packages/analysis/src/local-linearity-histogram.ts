import {
  type Classifier,
  type ImageSource,
  localLinearityObjective,
  type Maximizer,
  randomSource,
  type ThreatModel,
} from '@llr/core';
import type { MeasurementOptions } from './measurement/journal.ts';
import { measureImages } from './measurement/measure-images.ts';
import { fiftyAdamSteps, searchOf } from './measurement/search.ts';
import { singleRadius } from './measurement/single-radius.ts';
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

export interface LocalLinearityHistogramOptions extends MeasurementOptions<ExampleGamma> {
  classifier: Classifier;
  data: ImageSource;
  /** With one radius for all images. */
  threat: ThreatModel;
  /** Default 50 Adam steps of 0.1, keeping the largest g seen, as in Fig. F3. */
  maximizer?: Maximizer;
  seed: number;
  /** Default 100. Every batch is filled up to it, so that the result doesn't depend on neighbours. */
  batchSize?: number;
}

/**
 * The local linearity measure γ(ε, x) = max g(δ; x) of every image of a source, with the mean and the
 * quantiles of √γ (Fig. F3). Images stream through in batches; the random start of each depends on the seed
 * and its index alone, and a measurement that goes on from a journal comes to the same numbers.
 *
 * @throws Error when a γ is not a number, or the source is empty; as the signal says when it is aborted
 */
export async function localLinearityHistogram(
  options: LocalLinearityHistogramOptions,
): Promise<LocalLinearityHistogram> {
  const { classifier, data, threat, seed, batchSize = 100 } = options;
  const epsilon = await singleRadius(threat);
  const random = randomSource(seed).fork('local-linearity');
  const maximizer = options.maximizer ?? fiftyAdamSteps();
  const objective = localLinearityObjective();
  const search = searchOf({ classifier, threat, maximizer, objective });
  try {
    const examples = await measureImages<ExampleGamma>({
      ...options,
      batchSize,
      measure: async (batch, count) => {
        const { perturbation, value } = search(batch, random.forExamples(batch.indices));
        perturbation.dispose();
        const gammas = await value.data();
        value.dispose();
        return Array.from({ length: count }, (_, row) => {
          const index = batch.indices[row]!;
          return { index, gamma: checked(gammas[row]!, index, classifier, data) };
        });
      },
    });
    const roots = examples.map(({ gamma }) => Math.sqrt(gamma)).sort((a, b) => a - b);
    return {
      threat: { name: threat.name, epsilon },
      seed,
      examples,
      sqrtGamma: {
        mean: mean(roots),
        quantiles: [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1].map((q) => ({
          q,
          value: quantile(roots, q),
        })),
      },
    };
  } finally {
    search.dispose();
  }
}

function checked(gamma: number, index: number, classifier: Classifier, data: ImageSource): number {
  if (gamma >= 0 && gamma < Infinity) return gamma;
  throw new Error(
    `γ of image ${index} of ${data.name} (${data.split}) is not a finite number for ${classifier.name}. Check the network's weights and the image.`,
  );
}
