import { fromArrays, type ImageArrays, padCropFlip } from '@llr/datasets';
import { dispose, memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { collect, smallSource } from './helpers.ts';

const arrays: ImageArrays = {
  name: 'bytes',
  split: 'test',
  inputShape: [16, 8, 1],
  classNames: ['low', 'high'],
  images: Uint8Array.from({ length: 256 }, (_, i) => i),
  labels: [0, 1],
};

describe('batches', () => {
  it('are float32 in [0, 1], each byte divided by 255, with int32 labels', async () => {
    const source = fromArrays(arrays);
    for await (const { images, labels, indices } of source.batches({ batchSize: 2 })) {
      expect(images.dtype).toBe('float32');
      expect(images.shape).toEqual([2, 16, 8, 1]);
      expect(labels.dtype).toBe('int32');
      expect(images.dataSync()).toEqual(Float32Array.from({ length: 256 }, (_, i) => i / 255));
      expect([...labels.dataSync()]).toEqual([0, 1]);
      expect(indices).toEqual(Int32Array.of(0, 1));
      dispose([images, labels]);
    }
  });

  it('come in source order without an epoch, the last one smaller', async () => {
    const batches = await collect(smallSource(7), { batchSize: 3 });
    expect(batches.map(({ indices }) => indices)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(batches.map(({ labels }) => labels)).toEqual([[0, 1, 2], [0, 1, 2], [0]]);
    expect(batches[2]!.shape).toEqual([1, 4, 3, 2]);
    const bytes = batches.flatMap(({ images }) => images.map((value) => Math.round(value * 255)));
    const expected = Array.from({ length: 168 }, (_, i) => (i * 7 + 13 * Math.floor(i / 24)) % 256);
    expect(bytes).toEqual(expected);
  });

  it('are full ones of a shuffled order with an epoch, images and labels moved together', async () => {
    const source = smallSource(50);
    const inOrder = await collect(source, { batchSize: 1 });
    const shuffled = await collect(source, { batchSize: 16, epoch: 0 });
    expect(shuffled.map(({ indices }) => indices.length)).toEqual([16, 16, 16]);
    for (const { indices, images, labels } of shuffled) {
      expect(indices).not.toEqual([...indices].sort((a, b) => a - b));
      expect(images).toEqual(indices.flatMap((index) => inOrder[index]!.images));
      expect(labels).toEqual(indices.map((index) => index % 3));
    }
  });

  it('leave no tensor behind, read to the end or not', async () => {
    const source = smallSource(40, padCropFlip());
    const before = memory().numTensors;
    await collect(source, { batchSize: 8, epoch: 1, augment: true });
    for await (const { images, labels } of source.batches({ batchSize: 8 })) {
      expect(memory().numTensors).toBe(before + 2);
      dispose([images, labels]);
      break;
    }
    expect(memory().numTensors).toBe(before);
  });

  it('keep their values while others are made', async () => {
    const kept = [];
    for await (const batch of smallSource(9).batches({ batchSize: 2 })) kept.push(batch);
    // The engine may read the array that a tensor was made from as late as here.
    const bytes = kept.flatMap(({ images }) => [...images.dataSync()].map((v) => v * 255));
    const expected = Array.from({ length: 216 }, (_, i) => (i * 7 + 13 * Math.floor(i / 24)) % 256);
    expect(bytes.map(Math.round)).toEqual(expected);
    for (const { images, labels } of kept) dispose([images, labels]);
  });

  it('are not augmented unless asked for, nor where the source has no augmentation', async () => {
    const plain = await collect(smallSource(8), { batchSize: 8, epoch: 3 });
    const options = { batchSize: 8, epoch: 3, augment: true };
    expect(await collect(smallSource(8), options)).toEqual(plain);
    const augmenting = smallSource(8, padCropFlip({ pad: 2 }));
    expect(await collect(augmenting, { batchSize: 8, epoch: 3 })).toEqual(plain);
    expect(await collect(augmenting, options)).not.toEqual(plain);
    expect(await collect(augmenting, { batchSize: 8, epoch: 3 })).toEqual(plain);
  });

  it.each([
    [{ batchSize: 0 }, 'batches: batchSize must be a whole number from 1; got 0.'],
    [{ batchSize: 2.5 }, 'batches: batchSize must be a whole number from 1; got 2.5.'],
    [{ batchSize: Number.NaN }, 'batches: batchSize must be a whole number from 1; got NaN.'],
    [{ batchSize: 4, epoch: -1 }, 'batches: epoch must be a whole number from 0; got -1.'],
    [{ batchSize: 4, seed: 0.5 }, 'batches: seed must be a whole number; got 0.5.'],
    [{ batchSize: 4, world: 0 }, 'batches: world must be a whole number from 1; got 0.'],
    [{ batchSize: 4, rank: 2, world: 2 }, 'batches: rank must be below world (2); got 2.'],
    [{ batchSize: 4, from: 6 }, 'batches: from must be at most 5, the number of batches; got 6.'],
    [
      { batchSize: 4, augment: true },
      'batches: augment needs an epoch, which its random numbers depend on.',
    ],
    [
      { batchSize: 11, epoch: 0, world: 2 },
      'batches: small, train, has 20 images, not one full batch of 22 (batchSize × world).',
    ],
  ])('refuse %j at once', (options, message) => {
    expect(() => smallSource(20).batches(options)).toThrow(new RangeError(message));
  });
});

describe('fromArrays', () => {
  it.each<[string, Partial<ImageArrays>]>([
    [
      'bytes, test: 2 labels and inputShape [16,8,1] need 256 bytes of images; got 255.',
      { images: new Uint8Array(255) },
    ],
    [
      'bytes, test: the label of image 1 must be a whole number from 0 to 1; got 2.',
      { labels: [0, 2] },
    ],
    [
      'bytes, test: the label of image 0 must be a whole number from 0 to 1; got -1.',
      { labels: [-1, 0] },
    ],
    [
      'bytes, test: the label of image 1 must be a whole number from 0 to 1; got 0.5.',
      { labels: [0, 0.5] },
    ],
    ['bytes, test: there are no images.', { labels: [], images: new Uint8Array(0) }],
    [
      'bytes, test: inputShape is [height, width, channels]; got [16,8,0].',
      { inputShape: [16, 8, 0] },
    ],
  ])('refuses: %s', (message, wrong) => {
    expect(() => fromArrays({ ...arrays, ...wrong })).toThrow(new RangeError(message));
  });

  it('refuses pixels that are not bytes', () => {
    const images = new Float32Array(256) as unknown as Uint8Array;
    expect(() => fromArrays({ ...arrays, images })).toThrow(
      'bytes, test: images must be bytes (a Uint8Array, 0 to 255).',
    );
  });
});
