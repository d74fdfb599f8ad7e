import type {
  Attack,
  ImageSource,
  PerExampleLoss,
  Regularizer,
  TrainableClassifier,
} from '@llr/core';
import { z } from 'zod';
import type { EpochSchedule } from './schedules.ts';
import { assertThreat, type ThreatDescription } from './threat.ts';

/** What a model must fit. */
export interface ModelRequest {
  inputShape: readonly [height: number, width: number, channels: number];
  numClasses: number;
  seed: number;
}

/** Training and test images, opened when needed. */
export interface ExperimentData {
  readonly name: string;
  open(split: 'train' | 'test'): Promise<ImageSource>;
}

export interface TrainOptions {
  epochs: number;
  batchSize: number;
  /** Train on the first so many images. Default: all. */
  examples?: number;
  /** Default SGD with momentum 0.9, as in the paper. */
  optimizer?: 'sgd' | 'adam';
  /** A number, or a schedule over epochs such as `stepDecay(0.1, [100, 105])`. */
  learningRate: number | EpochSchedule;
  /** L2 regularisation on weights (not biases or batch norm): the paper's 2e-4 on CIFAR-10. Default 0. */
  weightDecay?: number;
  /** ε grows linearly from 0 over so many epochs (F.2: 15 on CIFAR-10). Default 0. */
  epsilonRamp?: number;
  /** Whether the data's own augmentation is applied. Default false. */
  augment?: boolean;
  /** Images held out of the training set, right after those trained on, and attacked after every epoch. */
  validation?: { examples: number; attack: Attack };
}

/** One network of an experiment. */
export interface Variant {
  /** Default: none, which is nominal training. */
  regularizers?: readonly Regularizer[];
}

/** What to train, on what, and how it is attacked afterwards. */
export interface Experiment {
  /** Also the name of its folder under `runs/`. */
  name: string;
  /** Default 0. Same engine and seed: same bytes. */
  seed?: number;
  /** `'fashion-mnist'`, `'cifar10'` (see `openData`), or sources of your own. */
  data: string | ExperimentData;
  model: (request: ModelRequest) => TrainableClassifier;
  /** ε in pixel units, images being in [0, 1]: `8 / 255`, not `8`. */
  threat: ThreatDescription;
  /** Per example. Default cross-entropy. */
  loss?: PerExampleLoss;
  train: TrainOptions;
  /** The networks to train, by name: same data, seed and number of epochs, different regularisers. */
  variants: Readonly<Record<string, Variant>>;
  evaluation?: {
    attacks: readonly Attack[];
    /** Attack the first so many test images. Default: all. */
    examples?: number;
    /** Default 128. */
    batchSize?: number;
  };
}

const count = z.number().int().positive();
const fn = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);
const named = (method: string) =>
  z.custom<{ name: string }>((value) => {
    const plugin = value as Record<string, unknown> | null;
    return typeof plugin?.name === 'string' && typeof plugin[method] === 'function';
  }, `must be an object with a name and a ${method}() method`);
const folderName = z
  .string()
  .regex(/^[\w.-]+$/, 'may hold letters, digits, ".", "_" and "-" only: it names a folder');

const schema = z.strictObject({
  name: folderName,
  seed: z.number().int().nonnegative().optional(),
  data: z.union([z.string(), named('open')]),
  model: fn,
  threat: z.strictObject({ norm: z.enum(['linf', 'l2']), epsilon: z.number() }),
  loss: fn.optional(),
  train: z.strictObject({
    epochs: count,
    batchSize: count,
    examples: count.optional(),
    optimizer: z.enum(['sgd', 'adam']).optional(),
    learningRate: z.union([z.number().positive(), fn]),
    weightDecay: z.number().nonnegative().optional(),
    epsilonRamp: z.number().nonnegative().optional(),
    augment: z.boolean().optional(),
    validation: z.strictObject({ examples: count, attack: named('runs') }).optional(),
  }),
  variants: z
    .record(
      folderName,
      z.strictObject({ regularizers: z.array(named('penalty')).readonly().optional() }),
    )
    .refine((variants) => Object.keys(variants).length > 0, 'needs at least one network to train'),
  evaluation: z
    .strictObject({
      attacks: z.array(named('runs')).readonly(),
      examples: count.optional(),
      batchSize: count.optional(),
    })
    .optional(),
});

/**
 * Checks an experiment and returns it: what a `llr.config.ts` exports.
 *
 * @throws naming every field that is missing, unknown, or wrong; for an ε that can't be meant for [0, 1]
 */
export function defineExperiment(experiment: Experiment): Experiment {
  const checked = schema.safeParse(experiment);
  if (!checked.success) {
    const problems = checked.error.issues.map(
      (issue) => `${issue.path.join('.') || 'the experiment'}: ${issue.message}`,
    );
    throw new Error(`The experiment is not valid. ${problems.join('; ')}`);
  }
  assertThreat(experiment.threat);
  return experiment;
}
