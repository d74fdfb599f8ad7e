import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { type Classifier, crossEntropy, type PerExampleLoss, randomSource } from '@llr/core';
import { compile, orEagerly } from '@llr/engine';
import {
  add,
  fill,
  mul,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { dot, maxAbs } from './numbers.ts';
import { rademacherDirection } from './rademacher-direction.ts';

/** An image or a perturbation: `[1, h, w, c]`, or its h·w·c numbers in that order. */
export type ImageLike = Tensor4D | ArrayLike<number>;

/**
 * The loss on a plane through an image (Fig. A1): plain data, fit for JSON.
 * `values[i][j]` is ℓ(x + adversarial[j]·δ + random[i]·r), in nats for the cross-entropy.
 */
export interface LossSurface {
  /** Coordinates along the adversarial direction δ, in units of ε: the columns. */
  adversarial: number[];
  /** Coordinates along the random direction r, in units of ε: the rows. */
  random: number[];
  /** Rows: random direction; columns: adversarial direction. */
  values: number[][];
  /** ε, the size of either direction at coordinate 1, in pixel units. */
  epsilon: number;
  /** In which norm that is; ℓ∞ where it isn't said. */
  norm?: 'linf' | 'l2';
  /** Which image of the source, where that was said. */
  index?: number;
  label: number;
  /** Name of the loss. */
  loss: string;
  seed: number;
}

export interface LossSurfaceOptions {
  classifier: Classifier;
  /** x, in the pixel box [0, 1]. */
  image: ImageLike;
  /** Which image of a source it is, for the record. */
  index?: number;
  label: number;
  /** The adversarial direction δ; its size is the unit ε of both axes. */
  direction: ImageLike;
  /** In which sizes are measured. Default ℓ∞: the largest entry. */
  norm?: 'linf' | 'l2';
  /** Both axes run from −extent to extent, in units of ε. Default 1. */
  extent?: number;
  /** Points along each axis; odd, so that the centre is x itself. Default 25. */
  grid?: number;
  /** Of the random direction. */
  seed: number;
  /** Per example. Default cross-entropy. */
  loss?: PerExampleLoss;
  /** Grid points in one forward pass. Default 128. */
  batchSize?: number;
  /** Stops between two passes. */
  signal?: AbortSignal;
  /** Told of every pass: how many grid points of how many are done. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * The loss around an image, on the plane of an adversarial direction δ and a random one r (Fig. A1): r is
 * a Rademacher vector made orthogonal to δ and scaled to the same size ε. It depends on the seed and on
 * δ. The centre is ℓ(x), and (1, 0) is ℓ(x + δ). As in the paper, ℓ is taken on the plane itself: points
 * that leave the pixel box are not clipped.
 *
 * @throws RangeError when the grid is even, the label is no class, or δ is 0; Error when a loss is not finite; the
 *   signal's reason when it is aborted
 */
export async function lossSurface(options: LossSurfaceOptions): Promise<LossSurface> {
  const { classifier, label, extent = 1, grid = 25, seed, batchSize = 128 } = options;
  const loss = options.loss ?? crossEntropy;
  checkGrid(grid, extent, batchSize);
  checkLabel(label, classifier);
  const image = await numbersOf(options.image, classifier, 'image');
  const delta = await numbersOf(options.direction, classifier, 'direction');
  const norm = options.norm ?? 'linf';
  const sizeOf = norms[norm];
  const epsilon = sizeOf(delta);
  if (epsilon === 0) {
    throw new RangeError(
      'The adversarial direction is 0 everywhere: there is no plane to plot. Give the perturbation of an attack.',
    );
  }
  const random = rademacherDirection(
    delta,
    epsilon,
    randomSource(seed).fork('loss-surface'),
    sizeOf,
  );
  const axis = Array.from({ length: grid }, (_, i) => extent * ((2 * i) / (grid - 1) - 1));
  const points = axis.flatMap((v) => axis.map((u) => [u, v] as const));
  const flat = await lossesOnPlane({
    classifier,
    loss,
    label,
    plane: [image, delta, random],
    points,
    batchSize,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  const values = axis.map((_, row) => flat.slice(row * grid, (row + 1) * grid));
  const name = loss === crossEntropy ? 'cross-entropy' : loss.name || 'loss';
  return {
    adversarial: axis,
    random: [...axis],
    values,
    epsilon,
    norm,
    ...(options.index !== undefined && { index: options.index }),
    label,
    loss: name,
    seed,
  };
}

const norms = {
  linf: maxAbs,
  l2: (numbers: ArrayLike<number>) => Math.sqrt(dot(numbers, numbers)),
};

/** ℓ at every point x + u·δ + v·r, in passes of one size: the last is filled up with x itself. */
async function lossesOnPlane(input: {
  classifier: Classifier;
  loss: PerExampleLoss;
  label: number;
  plane: readonly [image: Float32Array, delta: Float32Array, random: Float32Array];
  points: readonly (readonly [u: number, v: number])[];
  batchSize: number;
  signal: LossSurfaceOptions['signal'] | undefined;
  onProgress: LossSurfaceOptions['onProgress'] | undefined;
}): Promise<number[]> {
  const { classifier, loss, label, points, batchSize, signal, onProgress } = input;
  const logits = classifier.freeze('running');
  const onPlane = (
    x: Tensor4D,
    delta: Tensor4D,
    random: Tensor4D,
    u: Tensor4D,
    v: Tensor4D,
    y: Tensor1D,
  ): Tensor1D => {
    const at: Tensor4D = add(add(x, mul(u, delta)), mul(v, random));
    return loss(logits(at) as Tensor2D, y);
  };
  const compiled = compile(onPlane, { name: 'loss surface' });
  // A network or a loss of somebody else's may not be compilable: it is only slower then.
  const losses = orEagerly(compiled, onPlane, () => {});
  const shape = [1, ...classifier.inputShape] as [number, number, number, number];
  const plane = input.plane.map((numbers) => tensor(numbers, shape));
  const labels = fill([batchSize], label, 'int32');
  const values: number[] = [];
  try {
    for (let from = 0; from < points.length; from += batchSize) {
      signal?.throwIfAborted();
      const coordinate = (axis: 0 | 1) =>
        Float32Array.from({ length: batchSize }, (_, i) => points[from + i]?.[axis] ?? 0);
      const found = tidy(() => {
        const [u, v] = [coordinate(0), coordinate(1)].map((c) => tensor(c, [batchSize, 1, 1, 1]));
        return losses(
          ...(plane as [Tensor4D, Tensor4D, Tensor4D]),
          u as Tensor4D,
          v as Tensor4D,
          labels as Tensor1D,
        );
      });
      values.push(...(await found.data()));
      found.dispose();
      onProgress?.({ done: Math.min(from + batchSize, points.length), total: points.length });
      await turnOfEventLoop();
    }
  } finally {
    compiled.dispose();
    for (const one of [...plane, labels]) one.dispose();
  }
  values.length = points.length;
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const [u, v] = points[bad]!;
    throw new Error(
      `The loss of ${classifier.name} is ${values[bad]} at (${u}, ${v}) ε of the plane, so there is no surface to plot. Check the network's weights.`,
    );
  }
  return values;
}

export async function numbersOf(
  given: ImageLike,
  { inputShape, name }: Classifier,
  what: string,
): Promise<Float32Array> {
  const numbers = isTensor(given)
    ? Float32Array.from(await given.data())
    : Float32Array.from(given);
  const expected = inputShape.reduce((product, n) => product * n, 1);
  if (numbers.length !== expected) {
    throw new RangeError(
      `${name} takes one image of ${inputShape.join(' × ')} = ${expected} numbers, but the ${what} has ${numbers.length}.`,
    );
  }
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`Number ${bad} of the ${what} is ${numbers[bad]}.`);
  return numbers;
}

const isTensor = (given: ImageLike): given is Tensor4D => 'dataId' in given;

function checkGrid(grid: number, extent: number, batchSize: number): void {
  if (!Number.isInteger(grid) || grid < 3 || grid % 2 === 0) {
    throw new RangeError(
      `grid must be an odd whole number from 3, so that the centre is the image itself; got ${grid}.`,
    );
  }
  if (!(extent > 0 && Number.isFinite(extent))) {
    throw new RangeError(`extent must be above 0, in units of ε; got ${extent}.`);
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize must be a whole number from 1; got ${batchSize}.`);
  }
}

export function checkLabel(label: number, { numClasses, name }: Classifier): void {
  if (!Number.isInteger(label) || label < 0 || label >= numClasses) {
    throw new RangeError(`${name} has classes 0 to ${numClasses - 1}; got the label ${label}.`);
  }
}
