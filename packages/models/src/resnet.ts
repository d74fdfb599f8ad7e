import { add, mean, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core';
import type { ConfiguredClassifier } from './configured-classifier.ts';
import { type Activation, activationOf } from './layers/activation.ts';
import { batchNorm, defaultEpsilon, type NormPass } from './layers/batch-norm.ts';
import { type ConvolutionOptions, convolution } from './layers/convolution.ts';
import { dense } from './layers/dense.ts';
import { maxPool } from './layers/max-pool.ts';
import { normalizedConvolution } from './layers/normalized-convolution.ts';
import { type Padding, paddings } from './layers/padding.ts';
import { type PixelStatistics, pixelNormalization } from './layers/pixel-normalization.ts';
import { network } from './network.ts';
import { networkBuilder } from './network-builder.ts';
import {
  assertBatchNormEpsilon,
  assertCommonOptions,
  assertOneOf,
  type ConfigOf,
  type InputShape,
} from './options.ts';

/** Blocks in each of the four stages, by depth, and whether they are bottlenecks (He et al. 2016, table 1). */
const stagesOfDepth = {
  18: { blocks: [2, 2, 2, 2], bottleneck: false },
  34: { blocks: [3, 4, 6, 3], bottleneck: false },
  50: { blocks: [3, 4, 6, 3], bottleneck: true },
  101: { blocks: [3, 4, 23, 3], bottleneck: true },
  152: { blocks: [3, 8, 36, 3], bottleneck: true },
} as const;

export type ResNetDepth = keyof typeof stagesOfDepth;

const stems = ['imagenet', 'cifar'] as const;

export interface ResNetOptions extends PixelStatistics {
  /** 18 and 34 have blocks of two 3x3 convolutions; 50, 101 and 152 have bottlenecks. */
  depth: ResNetDepth;
  numClasses: number;
  /** Default `'softplus'`, as in the LLR paper; the original has ReLU. */
  activation?: Activation;
  /** Default `[224, 224, 3]`. */
  inputShape?: InputShape;
  /** `'imagenet'`, the default: a 7x7 convolution with stride 2 and a max pool; `'cifar'`, for small images: a 3x3 convolution. */
  stem?: (typeof stems)[number];
  /** Of strided convolutions and the max pool. Default `'symmetric'`; `'same'` is TensorFlow's. */
  padding?: Padding;
  /** Whether the last batch norm of each block begins with a scale of 0, so that a new block is its shortcut (Goyal et al. 2017). Default false. */
  zeroLastGamma?: boolean;
  /** Added to the variance in batch norm. Default 1e-5. */
  batchNormEpsilon?: number;
  /** Of the initial weights. Default 0. */
  seed?: number;
}

export type ResNetConfig = ConfigOf<'resnet', ResNetOptions>;

/**
 * The residual network ResNet-depth (He et al. 2016): convolution, batch norm, activation, and another
 * activation after the sum with the shortcut. A bottleneck has its stride in the 3x3 convolution, as in
 * torchvision and in the networks of Xie et al. 2019 (“DENOISE”).
 *
 * Batch norm's running variance is an average of biased variances, as in DeepMind's code (PyTorch keeps
 * unbiased ones), with momentum 0.1.
 *
 * @throws RangeError when there is no ResNet of that depth, and for any other option out of range
 */
export function resNet(options: ResNetOptions): ConfiguredClassifier {
  const config = configure(options);
  const { depth, numClasses, inputShape, padding } = config;
  const { blocks: blocksOfStages, bottleneck } = stagesOfDepth[depth];
  const builder = networkBuilder(config.seed);
  const normalize = pixelNormalization(config);
  const activate = activationOf(config.activation);

  const normalized = (names: { conv: string; norm: string }, layer: NormalizedLayer) => {
    const { scale = 1, ...options } = layer;
    const convolve = convolution(builder, names.conv, { ...options, padding });
    const shape = convolve.outputShape;
    const norm = batchNorm(builder, names.norm, { shape, scale, epsilon: config.batchNormEpsilon });
    return { apply: normalizedConvolution(convolve, norm), outputShape: shape };
  };

  /** activate(shortcut(h) + f(h)); the shortcut is a projection where the shape changes. */
  const block = (name: string, from: InputShape, width: number, stride: number) => {
    const convolutions = bottleneck
      ? [
          { size: 1, to: width },
          { size: 3, to: width, stride },
          { size: 1, to: 4 * width },
        ]
      : [
          { size: 3, to: width, stride },
          { size: 3, to: width },
        ];
    let shape = from;
    const layers = convolutions.map((options, i) => {
      const scale = config.zeroLastGamma && i === convolutions.length - 1 ? 0 : 1;
      const names = { conv: `${name}/conv-${i + 1}`, norm: `${name}/norm-${i + 1}` };
      const { apply, outputShape } = normalized(names, { ...options, from: shape, scale });
      shape = outputShape;
      return apply;
    });
    const names = { conv: `${name}/projection/conv`, norm: `${name}/projection/norm` };
    const projection =
      from[2] === shape[2] && stride === 1
        ? undefined
        : normalized(names, { size: 1, from, to: shape[2], stride }).apply;
    const apply = (h: Tensor4D, pass: NormPass): Tensor4D => {
      const residual = layers.reduce((x, layer, i) => layer(i === 0 ? x : activate(x), pass), h);
      return activate(add(residual, projection ? projection(h, pass) : h));
    };
    return { apply, outputShape: shape };
  };

  const stem = normalized(
    { conv: 'stem/conv', norm: 'stem/norm' },
    {
      from: inputShape,
      to: 64,
      ...(config.stem === 'imagenet' ? { size: 7, stride: 2 } : { size: 3 }),
    },
  );
  const pool =
    config.stem === 'imagenet'
      ? maxPool(builder, 'stem/pool', { from: stem.outputShape, padding })
      : undefined;
  let shape = (pool ?? stem).outputShape;
  const blocks = blocksOfStages.flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) => {
      const name = `stage-${stage + 1}/block-${i + 1}`;
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const { apply, outputShape } = block(name, shape, 64 * 2 ** stage, stride);
      shape = outputShape;
      return apply;
    }),
  );
  const logits = dense(builder, 'logits', { from: shape[2], to: numClasses });

  return network({
    name: `resnet-${depth}`,
    config,
    builder,
    logits: (images, pass) => {
      const embedded = activate(stem.apply(normalize(images), pass));
      const pooled = pool ? pool(embedded) : embedded;
      const h = blocks.reduce((x, next) => next(x, pass), pooled);
      return logits(mean<Tensor2D>(h, [1, 2]));
    },
  });
}

type NormalizedLayer = Omit<ConvolutionOptions, 'padding' | 'bias'> & { scale?: number };

function configure(options: ResNetOptions): ResNetConfig {
  const { depth, numClasses, inputShape = [224, 224, 3], mean, std } = options;
  const { activation = 'softplus', padding = 'symmetric', stem = 'imagenet', seed = 0 } = options;
  const { zeroLastGamma = false, batchNormEpsilon = defaultEpsilon } = options;
  assertCommonOptions({ inputShape, numClasses, activation, pixels: options });
  assertOneOf('padding', padding, paddings);
  assertOneOf('stem', stem, stems);
  assertBatchNormEpsilon(batchNormEpsilon);
  if (!Object.hasOwn(stagesOfDepth, depth)) {
    const known = Object.keys(stagesOfDepth).join(', ');
    throw new RangeError(`There are residual networks of depth ${known}; got ${depth}.`);
  }
  if (typeof zeroLastGamma !== 'boolean') {
    throw new RangeError(`zeroLastGamma must be true or false; got ${zeroLastGamma}.`);
  }
  return {
    architecture: 'resnet',
    depth,
    numClasses,
    activation,
    inputShape,
    stem,
    padding,
    zeroLastGamma,
    batchNormEpsilon,
    ...(mean && { mean }),
    ...(std && { std }),
    seed,
  };
}
