import { type Rank, reshape, scalar, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { ConfiguredClassifier } from './configured-classifier.ts';
import { type Activation, activationOf } from './layers/activation.ts';
import { convolution } from './layers/convolution.ts';
import { dense } from './layers/dense.ts';
import { type PixelStatistics, pixelNormalization } from './layers/pixel-normalization.ts';
import { spaceToDepth } from './layers/space-to-depth.ts';
import { network } from './network.ts';
import { networkBuilder } from './network-builder.ts';
import { assertCommonOptions, assertCount, type ConfigOf, type InputShape } from './options.ts';

export interface SmallConvNetOptions extends PixelStatistics {
  /** Height and width must be multiples of 4. */
  inputShape: InputShape;
  numClasses: number;
  /** Filters of the first and of the second convolution. Default `[16, 32]`. */
  channels?: readonly [first: number, second: number];
  /** Units of the dense layer. Default 100. */
  hidden?: number;
  /** Default `'softplus'`. */
  activation?: Activation;
  /** Of the initial weights. Default 0. */
  seed?: number;
}

export type SmallConvNetConfig = ConfigOf<'small-conv-net', SmallConvNetOptions>;

/**
 * A network to start with, quick without native TensorFlow: twice space-to-depth by 2, a 2x2 convolution
 * and an activation, then a hidden dense layer. No batch norm, so its examples never couple and its only
 * statistics are `'running'`; instead, each activation is shifted to be 0 at 0 (softplus by log 2), which
 * later biases could do as well, but training then takes several times as many steps.
 *
 * @throws RangeError for an option out of range, and for a height or width that is no multiple of 4
 */
export function smallConvNet(options: SmallConvNetOptions): ConfiguredClassifier {
  const config = configure(options);
  const { inputShape, numClasses, channels, hidden, seed } = config;
  const [height, width, colours] = inputShape;
  const [first, second] = channels;
  const features = (height / 4) * (width / 4) * second;
  const builder = networkBuilder(seed);
  const normalize = pixelNormalization(config);
  const activate = centred(activationOf(config.activation));
  // A 2x2 convolution after space-to-depth is a 4x4 convolution with stride 2, at the speed of stride 1.
  const strided = { size: 2, bias: true };
  const layers = {
    first: convolution(builder, 'conv-1', {
      ...strided,
      from: [height / 2, width / 2, 4 * colours],
      to: first,
    }),
    second: convolution(builder, 'conv-2', {
      ...strided,
      from: [height / 4, width / 4, 4 * first],
      to: second,
    }),
    hidden: dense(builder, 'hidden', { from: features, to: hidden }),
    logits: dense(builder, 'logits', { from: hidden, to: numClasses }),
  };
  return network({
    name: config.architecture,
    config,
    builder,
    logits: (images) => {
      const half = activate(layers.first(spaceToDepth(normalize(images))));
      const quarter = activate(layers.second(spaceToDepth(half)));
      const flat = reshape<Rank.R2>(quarter, [-1, features]);
      return layers.logits(activate(layers.hidden(flat)));
    },
  });
}

/** The activation, minus its value at 0. */
function centred(activate: <T extends Tensor>(x: T) => T): <T extends Tensor>(x: T) => T {
  const atZero = tidy(() => activate(scalar(0)).dataSync()[0]!);
  return atZero === 0 ? activate : (x) => sub(activate(x), atZero);
}

function configure(options: SmallConvNetOptions): SmallConvNetConfig {
  const { inputShape, numClasses, channels = [16, 32], hidden = 100, mean, std } = options;
  const { activation = 'softplus', seed = 0 } = options;
  assertCommonOptions({ inputShape, numClasses, activation, pixels: options });
  if (!Array.isArray(channels) || channels.length !== 2) {
    throw new RangeError(`channels must be two numbers; got ${JSON.stringify(channels)}.`);
  }
  for (const count of channels) assertCount('channels', count);
  assertCount('hidden', hidden);
  const [height, width] = inputShape;
  if (height % 4 !== 0 || width % 4 !== 0) {
    throw new RangeError(
      `smallConvNet halves height and width twice, so both must be multiples of 4; inputShape is [${inputShape.join(', ')}]. Pad or crop the images, or use wideResNet.`,
    );
  }
  return {
    architecture: 'small-conv-net',
    inputShape,
    numClasses,
    channels: [channels[0], channels[1]],
    hidden,
    activation,
    ...(mean && { mean }),
    ...(std && { std }),
    seed,
  };
}
