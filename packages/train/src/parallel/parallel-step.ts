import type { PackedStatistics } from '../running-statistics.ts';
import type { StepMetrics } from '../train-step.ts';
import { type Measurement, weightedMeans } from '../weighted-means.ts';
import { everyone } from './everyone.ts';
import type { World } from './world.ts';

/** What one rank's share of a batch comes to. */
export interface Contribution {
  measured: Measurement;
  /** Of all parameters in their order, times the share. */
  gradients: Float32Array;
  /** Of the share. */
  statistics: PackedStatistics;
}

/** What the shares of all ranks come to: what the parameters and the running statistics are moved by. */
export type Reduced = Omit<Contribution, 'measured'>;

/** The stages of a step on one rank. */
export interface ParallelStages {
  /** This rank's share of the batch; nothing moves by it. */
  contribute(): Contribution | Promise<Contribution>;
  /** Moves everything. */
  apply(reduced: Reduced): void;
  /** Forgets the share. */
  clear(): void;
}

/**
 * One step of all ranks: each works out its share, and all move by the sum of the gradients, a mean over the whole
 * batch, and by the batch statistics of all shares merged by the law of total variance, which takes a sum of its own
 * once the mean is known: that cancels less than E[x²] − E[x]².
 *
 * @returns the means over the batch of all ranks
 * @throws SharedFailure when a share has failed: nothing has moved then, on any rank
 */
export async function parallelStep(
  world: World,
  { contribute, apply, clear }: ParallelStages,
): Promise<StepMetrics> {
  let own: Contribution | undefined;
  try {
    const parts = await everyone(world, async () => {
      own = await contribute();
      return own.measured;
    });
    apply(await reduce(world, own!));
    return weightedMeans(parts);
  } catch (error) {
    clear();
    throw error;
  }
}

async function reduce(world: World, { gradients, statistics }: Contribution): Promise<Reduced> {
  const { layers, mean, variance } = statistics;
  const share = 1 / world.size;
  const sums = new Float32Array(gradients.length + mean.length);
  sums.set(gradients);
  sums.set(
    mean.map((each) => each * share),
    gradients.length,
  );
  await world.allReduceSum(sums);
  const merged = sums.subarray(gradients.length);
  const spread = variance.map((each, i) => (each + (mean[i]! - merged[i]!) ** 2) * share);
  if (spread.length > 0) await world.allReduceSum(spread);
  return {
    gradients: sums.subarray(0, gradients.length),
    statistics: { layers, mean: merged, variance: spread },
  };
}
