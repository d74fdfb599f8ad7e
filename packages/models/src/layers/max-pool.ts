import { maxPool as pool, type Tensor4D } from '@tensorflow/tfjs-core';
import type { NetworkBuilder } from '../network-builder.ts';
import type { InputShape } from '../options.ts';
import { type Padding, padImages, stridedSize } from './padding.ts';

export interface MaxPool {
  (x: Tensor4D): Tensor4D;
  readonly outputShape: InputShape;
}

/** Lower than every activation: a padded place is never the maximum, whatever the activation. */
const lowest = -3.4e38;

/** The largest of each window of 3x3, every second row and column: `[b, h, w, c]` to `[b, ⌈h/2⌉, ⌈w/2⌉, c]`. */
export function maxPool(
  network: NetworkBuilder,
  name: string,
  { from, padding }: { from: InputShape; padding: Padding },
): MaxPool {
  const [height, width, channels] = from;
  const outputShape = [stridedSize(height, 2), stridedSize(width, 2), channels] as const;
  network.layers.push({
    name,
    kind: 'max pool 3x3/2',
    outputShape,
    parameters: 0,
    multiplyAdds: 0,
  });
  const apply = (x: Tensor4D): Tensor4D =>
    padding === 'same' ? pool(x, 3, 2, 'same') : pool(padImages(x, 1, lowest), 3, 2, 'valid');
  return Object.assign(apply, { outputShape });
}
