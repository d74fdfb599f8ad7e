import { add, mean, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core';
import type { ConfiguredClassifier } from './configured-classifier.ts';
import { type Activation, activationOf } from './layers/activation.ts';
import { type BatchNorm, batchNorm, type NormPass } from './layers/batch-norm.ts';
import { type Convolution, convolution, type Padding, paddings } from './layers/convolution.ts';
import { dense } from './layers/dense.ts';
import { type PixelStatistics, pixelNormalization } from './layers/pixel-normalization.ts';
import { network } from './network.ts';
import { networkVariables } from './network-variables.ts';
import { assertCommonOptions, assertCount, assertOneOf, type InputShape } from './options.ts';

export interface WideResNetOptions extends PixelStatistics {
  /** 6n + 4: the stem, three groups of n blocks of two convolutions, the three projections and the dense layer. */
  depth: number;
  /** k: the groups have 16k, 32k and 64k channels. */
  widthFactor: number;
  numClasses: number;
  /** Default `'softplus'`, as in the LLR paper; the original has ReLU. */
  activation?: Activation;
  /** Default `[32, 32, 3]`. */
  inputShape?: InputShape;
  /** Of strided convolutions. Default `'symmetric'`; `'same'` is DeepMind's. */
  padding?: Padding;
  /** Of the initial weights. Default 0. */
  seed?: number;
}

export type WideResNetConfig = { readonly architecture: 'wide-resnet' } & Readonly<
  Required<Omit<WideResNetOptions, keyof PixelStatistics>>
> &
  Readonly<PixelStatistics>;

const groups = [
  { width: 16, stride: 1 },
  { width: 32, stride: 2 },
  { width: 64, stride: 2 },
] as const;

/**
 * The wide residual network WRN-depth-widthFactor (Zagoruyko & Komodakis 2016) in its pre-activation form:
 * batch norm, activation, convolution. Where a block changes the size or the number of channels, its
 * shortcut is a 1x1 convolution of the activated input.
 *
 * Batch norm's running variance is an average of biased variances, as in DeepMind's code (PyTorch keeps
 * unbiased ones), with momentum 0.1.
 *
 * @throws RangeError when depth is not 6n + 4, and for any other option out of range
 */
export function wideResNet(options: WideResNetOptions): ConfiguredClassifier {
  const config = configure(options);
  const { depth, widthFactor, numClasses, inputShape, padding, seed } = config;
  const variables = networkVariables(seed);
  const normalize = pixelNormalization(config);
  const activate = activationOf(config.activation);
  const norms: BatchNorm[] = [];
  const norm = (name: string, channels: number): BatchNorm => {
    const made = batchNorm(variables, name, channels);
    norms.push(made);
    return made;
  };
  const normalized = (convolve: Convolution, norm: BatchNorm, x: Tensor4D, pass: NormPass) =>
    pass.folded && pass.use !== 'batch'
      ? convolve(x, norm.at(pass.use))
      : norm.apply(convolve(x), pass);

  /** h + f(h), or projection(a) + f(h) with a the activated h. */
  const block = (name: string, from: number, to: number, stride: number) => {
    const first = norm(`${name}/norm-1`, from);
    const convolve = convolution(variables, `${name}/conv-1`, {
      size: 3,
      from,
      to,
      stride,
      padding,
    });
    const second = norm(`${name}/norm-2`, to);
    const convolveAgain = convolution(variables, `${name}/conv-2`, { size: 3, from: to, to });
    const projection =
      from === to && stride === 1
        ? undefined
        : convolution(variables, `${name}/projection`, { size: 1, from, to, stride });
    return (h: Tensor4D, pass: NormPass): Tensor4D => {
      const activated = activate(first.apply(h, pass));
      const residual = convolveAgain(activate(normalized(convolve, second, activated, pass)));
      return add(residual, projection ? projection(activated) : h);
    };
  };

  let channels = 16;
  const stem = convolution(variables, 'stem', { size: 3, from: inputShape[2], to: channels });
  const blocks = groups.flatMap(({ width, stride }, group) =>
    Array.from({ length: (depth - 4) / 6 }, (_, i) => {
      const from = channels;
      channels = width * widthFactor;
      return block(`group-${group + 1}/block-${i + 1}`, from, channels, i === 0 ? stride : 1);
    }),
  );
  const last = norm('norm', channels);
  const logits = dense(variables, 'logits', { from: channels, to: numClasses });

  return network({
    name: `wrn-${depth}-${widthFactor}`,
    config,
    variables,
    norms,
    logits: (images, pass) => {
      const embedded = stem(normalize(images));
      const h = blocks.reduce((x, next) => next(x, pass), embedded);
      return logits(mean<Tensor2D>(activate(last.apply(h, pass)), [1, 2]));
    },
  });
}

function configure(options: WideResNetOptions): WideResNetConfig {
  const { depth, widthFactor, numClasses, inputShape = [32, 32, 3], mean, std } = options;
  const { activation = 'softplus', padding = 'symmetric', seed = 0 } = options;
  assertCommonOptions({ inputShape, numClasses, activation, pixels: options });
  assertOneOf('padding', padding, paddings);
  assertCount('widthFactor', widthFactor);
  if (!Number.isInteger(depth) || depth < 10 || (depth - 4) % 6 !== 0) {
    throw new RangeError(
      `The depth of a wide residual network is 6n + 4 (10, 16, 22, 28, 34, 40, …); got ${depth}.`,
    );
  }
  return {
    architecture: 'wide-resnet',
    depth,
    widthFactor,
    numClasses,
    activation,
    inputShape,
    padding,
    ...(mean && { mean }),
    ...(std && { std }),
    seed,
  };
}
