import type { Named, PlainExperiment } from '../plain/plain-experiment.ts';
import type { Preset, Sources } from './preset.ts';

/** One epoch where the paper has so many. */
const shortening = 10;

/** CURE's h: as large for each pixel, measured in ε, as on CIFAR-10 (0.75 · √(784/3072) · 0.1 / (8/255)). */
const cureDistance = 1.2;

const smaller = (regularizer: Named): Named =>
  regularizer.name === 'cure' ? { ...regularizer, h: cureDistance } : regularizer;

/** What networks of the paper came to says nothing of small ones. */
const ofValues = (sources: Sources): Sources =>
  Object.fromEntries(
    Object.entries(sources).filter(
      ([path]) => !path.startsWith('variants.') || path.includes('.regularizers.'),
    ),
  );

/**
 * The same experiment on the embedded images with a small network: the same regularisers and searches, schedules
 * shortened by one factor, ε = 0.1.
 */
export function miniature({ description, experiment, sources }: Preset): Preset {
  const { epochs, learningRate, epsilonRamp } = experiment.train;
  const short = Math.max(1, Math.round(epochs / shortening));
  const shortened = (epoch: number) => Number(((epoch * short) / epochs).toFixed(2));
  const schedule = learningRate as { schedule: string; at: number[] };
  const variants = Object.entries(experiment.variants).map(([name, { regularizers = [] }]) => [
    name,
    regularizers.length === 0
      ? {}
      : { regularizers: regularizers.map((each) => smaller(each as Named)) },
  ]);
  return {
    description,
    sources: { ...ofValues(sources), 'evaluation.attacks': 'F.1 with fewer steps and one restart' },
    experiment: {
      ...experiment,
      name: `${experiment.name}-mini`,
      data: 'fashion-mnist',
      model: { name: 'small-conv-net' },
      threat: { norm: 'linf', epsilon: 0.1 },
      train: {
        ...experiment.train,
        epochs: short,
        batchSize: 64,
        examples: 8000,
        learningRate: { ...schedule, initial: 0.05, at: schedule.at.map(shortened) },
        ...(epsilonRamp !== undefined && { epsilonRamp: shortened(epsilonRamp) }),
        augment: false,
        validation: { ...experiment.train.validation!, examples: 256, every: 1 },
      },
      variants: Object.fromEntries(variants),
      evaluation: {
        attacks: [{ name: 'paper-suite', steps: 20, restarts: 1 }],
        examples: 500,
      },
    } satisfies PlainExperiment,
  };
}
