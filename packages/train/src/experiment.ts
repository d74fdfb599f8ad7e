import type {
  Attack,
  ImageSource,
  PerExampleLoss,
  Regularizer,
  TrainableClassifier,
} from '@llr/core';
import { z } from 'zod';
import type { TrainCallback } from './callbacks.ts';
import { type OptimizerDescription, optimizerSchema } from './optimizers/optimizer-of.ts';
import type { WeightOptimizerFactory } from './optimizers/weight-optimizer.ts';
import type { EpochSchedule } from './schedules.ts';
import { count, fields, fn, hasMethod, named } from './schema/fields.ts';
import { problemsOf } from './schema/problems.ts';
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

/** How training is watched on images that it doesn't see. */
export interface ValidationOptions {
  /** Held out of the training set, right after the images trained on. */
  examples: number;
  attack: Attack;
  /** After every so many epochs, and after the last. Default 1. */
  every?: number;
}

/** How often the state of training is written down, so that it can go on after a stop. */
export interface CheckpointOptions {
  /** After every so many steps, besides every epoch. Default: as many as take a quarter of an hour. */
  every?: number;
  /** How many of the newest are kept. Default 3. */
  keep?: number;
}

/** The recipe of a training. */
export interface TrainOptions {
  epochs: number;
  /** Images of one optimiser step. */
  batchSize: number;
  /**
   * Images that go through the network at once: the gradients of a batch are accumulated over parts of this
   * size, each with batch statistics of its own. It must divide `batchSize`. Default: the whole batch.
   */
  microBatchSize?: number;
  /** Train on the first so many images. Default: all. */
  examples?: number;
  /** A name, a name with options, or one of your own. Default SGD with momentum 0.9, as in the paper. */
  optimizer?: OptimizerDescription | WeightOptimizerFactory;
  /** A number, or a schedule over epochs such as `stepDecay(0.1, [100, 105])`. */
  learningRate: number | EpochSchedule;
  /** L2 regularisation on weights (not biases or batch norm): the paper's 2e-4 on CIFAR-10. Default 0. */
  weightDecay?: number;
  /** ε grows linearly from 0 over so many epochs (F.2: 15 on CIFAR-10). Default 0. */
  epsilonRamp?: number;
  /** Whether the data's own augmentation is applied. Default false. */
  augment?: boolean;
  /** An exponential moving average of the parameters, which is what is validated and saved. Default: none. */
  averaging?: { decay: number };
  validation?: ValidationOptions;
  checkpoints?: CheckpointOptions;
  /** Told of what happens while training runs. */
  callbacks?: readonly TrainCallback[];
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
    /** Default 64. */
    batchSize?: number;
  };
}

const folderName = z
  .string()
  .regex(/^[\w.-]+$/, 'may hold letters, digits, ".", "_" and "-" only: it names a folder');

/** What the parts of an experiment that are more than data are checked by. */
export interface ExperimentParts {
  data: z.ZodType<string | ExperimentData>;
  model: z.ZodType<Experiment['model']>;
  loss: z.ZodType<PerExampleLoss>;
  optimizer: z.ZodType<NonNullable<TrainOptions['optimizer']>>;
  learningRate: z.ZodType<TrainOptions['learningRate']>;
  callback: z.ZodType<TrainCallback>;
  regularizer: z.ZodType<Regularizer>;
  attack: z.ZodType<Attack>;
  attacks: z.ZodType<readonly Attack[]>;
  epsilon: z.ZodType<number>;
}

/** The fields of an experiment; its parts are checked, and perhaps made, by what is given. */
export const experimentSchema = (parts: ExperimentParts) =>
  fields({
    name: folderName,
    seed: z.number().int().nonnegative().optional(),
    data: parts.data,
    model: parts.model,
    threat: fields({ norm: z.enum(['linf', 'l2']), epsilon: parts.epsilon }),
    loss: parts.loss.optional(),
    train: fields({
      epochs: count,
      batchSize: count,
      microBatchSize: count.optional(),
      examples: count.optional(),
      optimizer: parts.optimizer.optional(),
      learningRate: parts.learningRate,
      weightDecay: z.number().nonnegative().optional(),
      epsilonRamp: z.number().nonnegative().optional(),
      augment: z.boolean().optional(),
      averaging: fields({ decay: z.number().gt(0).lt(1) }).optional(),
      validation: fields({
        examples: count,
        attack: parts.attack,
        every: count.optional(),
      }).optional(),
      checkpoints: fields({ every: count.optional(), keep: count.optional() }).optional(),
      callbacks: z.array(parts.callback).readonly().optional(),
    }),
    variants: z
      .record(
        folderName,
        fields({ regularizers: z.array(parts.regularizer).readonly().optional() }),
      )
      .refine(
        (variants) => Object.keys(variants).length > 0,
        'needs at least one network to train',
      ),
    evaluation: fields({
      attacks: parts.attacks,
      examples: count.optional(),
      batchSize: count.optional(),
    }).optional(),
  });

const attack = named<Attack>('runs');

/** What a callback has at least one of. */
export const callbackMethods = [
  'onStart',
  'onStep',
  'onMetrics',
  'onCheckpoint',
  'onEnd',
] as const satisfies readonly (keyof TrainCallback)[];

/** Whether a value is told anything. */
export const isCallback = (value: unknown): boolean =>
  callbackMethods.some((method) => hasMethod(value, method));

/** The parts as they are in code. */
const realParts: ExperimentParts = {
  data: z.union([z.string(), named<ExperimentData>('open')]),
  model: fn as unknown as ExperimentParts['model'],
  loss: fn as unknown as ExperimentParts['loss'],
  optimizer: optimizerSchema,
  learningRate: z.union([z.number().positive(), fn as unknown as z.ZodType<EpochSchedule>]),
  callback: z.custom<TrainCallback>(
    isCallback,
    `must be an object with one of the methods ${callbackMethods.join(', ')}`,
  ),
  regularizer: named<Regularizer>('penalty'),
  attack,
  attacks: z.array(attack).readonly(),
  epsilon: z.number(),
};

const schema = experimentSchema(realParts);

/**
 * Checks an experiment and returns it: what a `llr.config.ts` exports.
 *
 * @throws naming every field that is missing, unknown, or wrong, and what is allowed; for an ε that can't be
 *   meant for [0, 1]; for a schedule that training doesn't reach
 */
export function defineExperiment(experiment: Experiment): Experiment {
  const checked = schema.safeParse(experiment, { reportInput: true });
  const problems = checked.success ? conflictsIn(experiment) : problemsOf(checked.error);
  if (problems.length > 0) throw invalidExperiment(problems);
  assertThreat(experiment.threat);
  return experiment;
}

/** The error of an experiment that can't be meant. */
export const invalidExperiment = (problems: readonly string[]): Error =>
  new Error(`The experiment is not valid. ${problems.join('; ')}`);

/** What is wrong between fields each of which is right. */
function conflictsIn({ train }: Experiment): string[] {
  const { epochs, batchSize, microBatchSize = batchSize, learningRate, optimizer } = train;
  const problems: string[] = [];
  const milestones = typeof learningRate === 'number' ? [] : (learningRate.milestones ?? []);
  const late = milestones.filter((epoch) => epoch >= epochs);
  if (late.length > 0) {
    problems.push(
      `train.learningRate: it changes at epoch ${late.join(' and ')}, but training ends with epoch ${epochs} (train.epochs). Let it change earlier, or train longer`,
    );
  }
  if (batchSize % microBatchSize !== 0) {
    problems.push(
      `train.microBatchSize: must divide train.batchSize, ${batchSize}; got ${microBatchSize}`,
    );
  }
  if (typeof optimizer === 'function' && (train.weightDecay ?? 0) > 0) {
    problems.push(
      'train.weightDecay: an optimizer of your own sees to its own weight decay; leave it out here',
    );
  }
  return problems;
}

/** What is strange about an experiment, though it can be run: said when it is trained. */
export function warningsAbout({ threat, train }: Experiment): string[] {
  const { epochs, epsilonRamp = 0 } = train;
  if (epsilonRamp <= epochs) return [];
  const last = (threat.epsilon * epochs) / epsilonRamp;
  const grey = threat.norm === 'linf' ? ` (${(last * 255).toFixed(1)}/255)` : '';
  return [
    `ε grows over ${epsilonRamp} epochs, but training ends after ${epochs}: it ends at ${Number(last.toPrecision(3))}${grey}, not at ${Number(threat.epsilon.toPrecision(3))}.`,
  ];
}
