import { add, mean, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core';
import type { ConfiguredClassifier } from './configured-classifier.ts';
import { type Activation, activationOf } from './layers/activation.ts';
import { batchNorm, defaultEpsilon, type NormPass } from './layers/batch-norm.ts';
import { convolution } from './layers/convolution.ts';
import { dense } from './layers/dense.ts';
import { normalizedConvolution } from './layers/normalized-convolution.ts';
import { type Padding, paddings } from './layers/padding.ts';
import { type PixelStatistics, pixelNormalization } from './layers/pixel-normalization.ts';
import { network } from './network.ts';
import { networkBuilder } from './network-builder.ts';
import {
  assertBatchNormEpsilon,
  assertCommonOptions,
  assertCount,
  assertOneOf,
  type ConfigOf,
  type InputShape,
} from './options.ts';

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
  /** Added to the variance in batch norm. Default 1e-5. */
  batchNormEpsilon?: number;
  /** Of the initial weights. Default 0. */
  seed?: number;
}

export type WideResNetConfig = ConfigOf<'wide-resnet', WideResNetOptions>;

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
  const { depth, widthFactor, numClasses, inputShape, padding } = config;
  const builder = networkBuilder(config.seed);
  const normalize = pixelNormalization(config);
  const activate = activationOf(config.activation);
  const norm = (name: string, shape: InputShape) =>
    batchNorm(builder, name, { shape, epsilon: config.batchNormEpsilon });

  /** h + f(h), or projection(a) + f(h) with a the activated h. */
  const block = (name: string, from: InputShape, to: number, stride: number) => {
    const first = norm(`${name}/norm-1`, from);
    const strided = { from, to, stride };
    const convolve = convolution(builder, `${name}/conv-1`, { ...strided, size: 3, padding });
    const shape = convolve.outputShape;
    const inner = normalizedConvolution(convolve, norm(`${name}/norm-2`, shape));
    const convolveAgain = convolution(builder, `${name}/conv-2`, { size: 3, from: shape, to });
    const projection =
      from[2] === to && stride === 1
        ? undefined
        : convolution(builder, `${name}/projection`, { ...strided, size: 1 });
    const apply = (h: Tensor4D, pass: NormPass): Tensor4D => {
      const activated = activate(first.apply(h, pass));
      const residual = convolveAgain(activate(inner(activated, pass)));
      return add(residual, projection ? projection(activated) : h);
    };
    return { apply, outputShape: shape };
  };

  const stem = convolution(builder, 'stem', { size: 3, from: inputShape, to: 16 });
  let shape = stem.outputShape;
  const blocks = groups.flatMap(({ width, stride }, group) =>
    Array.from({ length: (depth - 4) / 6 }, (_, i) => {
      const name = `group-${group + 1}/block-${i + 1}`;
      const { apply, outputShape } = block(name, shape, width * widthFactor, i === 0 ? stride : 1);
      shape = outputShape;
      return apply;
    }),
  );
  const last = norm('norm', shape);
  const logits = dense(builder, 'logits', { from: shape[2], to: numClasses });

  return network({
    name: `wrn-${depth}-${widthFactor}`,
    config,
    builder,
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
  const { batchNormEpsilon = defaultEpsilon } = options;
  assertCommonOptions({ inputShape, numClasses, activation, pixels: options });
  assertOneOf('padding', padding, paddings);
  assertBatchNormEpsilon(batchNormEpsilon);
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
    batchNormEpsilon,
    ...(mean && { mean }),
    ...(std && { std }),
    seed,
  };
}
