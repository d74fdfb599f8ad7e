import { evaluate } from '@llr/attacks';
import type { ImageSource, TrainableClassifier } from '@llr/core';
import { subset } from '@llr/datasets';
import { dispose } from '@tensorflow/tfjs-core';
import { robustAccuracy } from './checkpoints/best-network.ts';
import type { Experiment } from './experiment.ts';
import { everyone } from './parallel/everyone.ts';
import type { World } from './parallel/world.ts';
import { threatModel } from './threat.ts';

interface Validation {
  model: TrainableClassifier;
  data: ImageSource;
  experiment: Experiment;
  signal: AbortSignal | undefined;
  world: World;
}

/** How many images were classified rightly, unperturbed and attacked. */
interface Counts {
  clean: number;
  robust: number;
  total: number;
}

/**
 * Clean and robust accuracy on held-out images, 0 to 1, each rank working on a part of them.
 *
 * @returns nothing when the signal of any rank stopped it
 */
export async function validate(
  validation: Validation,
): Promise<Readonly<Record<string, number>> | undefined> {
  const counts = await everyone(validation.world, () => countOwn(validation));
  if (counts.includes(null)) return undefined;
  const sumOf = (name: keyof Counts) => counts.reduce((sum, each) => sum + each![name], 0);
  const total = sumOf('total');
  return {
    'validation accuracy': sumOf('clean') / total,
    [robustAccuracy]: sumOf('robust') / total,
  };
}

/** On this rank's images. Nothing when the signal has stopped it. */
async function countOwn(validation: Validation): Promise<Counts | null> {
  const data = partOf(validation);
  if (!data) return { clean: 0, robust: 0, total: 0 };
  const { model, experiment, signal } = validation;
  const threat = threatModel(experiment.threat);
  try {
    const { clean, robust } = await evaluate({
      classifier: model,
      data,
      attacks: [experiment.train.validation!.attack],
      threat,
      seed: experiment.seed ?? 0,
      selfChecks: false,
      ...(signal && { signal }),
    });
    return { clean: clean.correct, robust: robust.correct, total: clean.total };
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  } finally {
    dispose(threat.radius);
  }
}

/** A contiguous part; nothing where there are more ranks than images. */
function partOf({ data, world: { rank, size } }: Validation): ImageSource | undefined {
  if (size === 1) return data;
  const [from, to] = [rank, rank + 1].map((part) => Math.floor((part * data.size) / size));
  return to! > from! ? subset(data, { from: from!, size: to! - from! }) : undefined;
}
