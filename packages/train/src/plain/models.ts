import {
  type Activation,
  createModel,
  type ResNetOptions,
  type SmallConvNetOptions,
  type WideResNetOptions,
} from '@llr/models';
import { z } from 'zod';
import type { Experiment, ModelRequest } from '../experiment.ts';
import { count, fields } from '../schema/fields.ts';
import type { Kind, Plugin } from './kind.ts';
import { number } from './numbers.ts';

type Build = Experiment['model'];
/** What the data and the experiment decide. */
type Decided = keyof ModelRequest;

const activations = [
  'softplus',
  'relu',
  'elu',
  'silu',
  'gelu',
  'tanh',
] as const satisfies readonly Activation[];

const common = {
  activation: z.enum(activations).optional(),
  mean: z.array(number).optional(),
  std: z.array(number).optional(),
};
const normalized = {
  padding: z.enum(['symmetric', 'same']).optional(),
  batchNormEpsilon: z.number().positive().optional(),
};
const smallConvNet = {
  ...common,
  channels: z.tuple([count, count]).optional(),
  hidden: count.optional(),
} satisfies Record<Exclude<keyof SmallConvNetOptions, Decided>, unknown>;
const wideResNet = {
  ...common,
  ...normalized,
  depth: count.refine((depth) => depth > 4 && depth % 6 === 4, 'must be 6n + 4, such as 28 or 40'),
  widthFactor: count,
} satisfies Record<Exclude<keyof WideResNetOptions, Decided>, unknown>;
const resNet = {
  ...common,
  ...normalized,
  depth: z.literal([18, 34, 50, 101, 152]),
  stem: z.enum(['imagenet', 'cifar']).optional(),
  zeroLastGamma: z.boolean().optional(),
} satisfies Record<Exclude<keyof ResNetOptions, Decided>, unknown>;

const plugin = (
  architecture: string,
  options: z.ZodType<object>,
  fixed: object = {},
): Plugin<Build> => ({
  options,
  make: (given: object) => (request) =>
    createModel({ architecture, ...fixed, ...given, ...request }),
});

/** `wrn-28-8` and `resnet-152`, as networks call themselves. */
function named(name: string): Plugin<Build> | undefined {
  const [, wide, factor, deep] = /^(?:wrn-(\d+)-(\d+)|resnet-(\d+))$/.exec(name) ?? [];
  if (wide && wideResNet.depth.safeParse(Number(wide)).success && Number(factor) > 0) {
    const { depth: _, widthFactor: __, ...options } = wideResNet;
    return plugin('wide-resnet', fields(options), {
      depth: Number(wide),
      widthFactor: Number(factor),
    });
  }
  if (deep && resNet.depth.safeParse(Number(deep)).success) {
    const { depth: _, ...options } = resNet;
    return plugin('resnet', fields(options), { depth: Number(deep) });
  }
  return undefined;
}

/** The networks that a config can name; a module's own is a function of its options and the `ModelRequest` together. */
export const models: Kind<Build> = {
  title: 'a model',
  shape: 'a function of { inputShape, numClasses, seed }',
  is: (value) => typeof value === 'function',
  plugins: {
    'small-conv-net': plugin('small-conv-net', fields(smallConvNet)),
    'wide-resnet': plugin('wide-resnet', fields(wideResNet)),
    resnet: plugin('resnet', fields(resNet)),
    // For the list of names in errors: `find` knows the others of their kind.
    'wrn-28-8': named('wrn-28-8')!,
    'resnet-50': named('resnet-50')!,
  },
  find: named,
  fromModule: (exported, options) =>
    typeof exported === 'function'
      ? (request: ModelRequest) => exported({ ...options, ...request })
      : undefined,
};
