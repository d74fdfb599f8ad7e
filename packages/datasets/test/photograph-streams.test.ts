import { join } from 'node:path';
import { imageFolder, imageNet, preprocessing, type RecordSource } from '@llr/datasets';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { nestedTar, type Photograph, parquet, photographs, webDataset, write } from './forms.ts';
import { collect, indicesOf } from './helpers.ts';
import { temporaryFolder } from './raw-records.ts';

const size = 32;
const pixels = size * size * 3;
const training = { batchSize: 4, epoch: 1, seed: 9, augment: true };

let train: Photograph[];
/** Each photograph as the evaluation form of 'torchvision' makes it on this thread, by its label and pixels. */
let expected: string[];

beforeAll(async () => {
  train = await photographs();
  const { preprocess } = await preprocessing({ name: 'torchvision', size });
  expected = await Promise.all(
    train.map(async ({ bytes, label }) => {
      const into = new Float32Array(pixels);
      await preprocess(bytes, into);
      return `${label}: ${into}`;
    }),
  );
});

beforeEach(() => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  return () => warn.mockRestore();
});

const forms: Record<string, (at: string) => Promise<string>> = {
  ImageFolder: async (at) => {
    for (const { wnid, name, bytes } of train) await write(join(at, 'train', wnid, name), bytes);
    return at;
  },
  'nested tars': (at) => write(join(at, 'ILSVRC2012_img_train.tar'), nestedTar(train)),
  WebDataset: (at) => write(join(at, 'imagenet1k-train-0000.tar'), webDataset(train)),
  parquet: (at) => write(join(at, 'train-00000-of-00001.parquet'), parquet(train, 3)),
};

async function open(form: string, options: Partial<Parameters<typeof imageNet>[0]> = {}) {
  const at = temporaryFolder();
  const source = await imageNet({
    source: await forms[form]!(at),
    ...{ split: 'train', partial: true, cacheFolder: join(at, 'cache'), size },
    ...options,
  });
  return ending(source);
}

function ending(source: RecordSource): RecordSource {
  onTestFinished(() => source.close());
  return source;
}

describe('imageNet', () => {
  it.each(Object.keys(forms))('gives the images and labels of %s', async (form) => {
    const source = await open(form, { workers: 2 });
    expect(source).toMatchObject({ name: 'imagenet', split: 'train', form, size: 12 });
    expect(source.inputShape).toEqual([size, size, 3]);
    expect(source.classNames).toHaveLength(1000);
    const found = (await collect(source, { batchSize: 5 })).flatMap(({ images, labels }) =>
      labels.map((label, row) => `${label}: ${images.slice(row * pixels, (row + 1) * pixels)}`),
    );
    expect(found.sort()).toEqual([...expected].sort());
  });

  it.each(['ImageFolder', 'parquet'])(
    'augments %s the same on any number of threads',
    async (form) => {
      const [first, ...others] = await Promise.all(
        [0, 1, 2].map(async (workers) => collect(await open(form, { workers }), training)),
      );
      for (const batches of others) expect(batches).toEqual(first);
      const plain = await collect(await open(form, { workers: 0 }), {
        ...training,
        augment: false,
      });
      expect(indicesOf(plain)).toEqual(indicesOf(first!));
      expect(plain[0]!.images).not.toEqual(first![0]!.images);
    },
  );

  it('decodes without sharp in workers as well', async () => {
    const sharp = await collect(await open('ImageFolder', { workers: 1 }), { batchSize: 12 });
    const source = await open('ImageFolder', { workers: 1, decoder: 'wasm' });
    const wasm = await collect(source, { batchSize: 12 });
    const differences = wasm[0]!.images.map((value, i) => Math.abs(value - sharp[0]!.images[i]!));
    expect(Math.max(...differences)).toBeLessThan(2 / 255);
  });

  it('names a truncated photograph and where it lies, or takes another', async () => {
    const intact = train;
    onTestFinished(() => {
      train = intact;
    });
    train = train.map((image, i) =>
      i === 2 ? { ...image, bytes: image.bytes.subarray(0, 2000) } : image,
    );
    const strict = await open('nested tars', { workers: 1, onBad: 'error' });
    await expect(collect(strict, training)).rejects.toThrow(
      /imagenet, train: .*ILSVRC2012_img_train\.tar, n03773504_10\.JPEG at byte \d+: .*truncated/,
    );
    const source = await open('nested tars', { workers: 1, maxBadFraction: 0.1 });
    const [whole] = [indicesOf(await collect(source, training))];
    expect(source.badRecords().map(({ index }) => index)).toEqual([2]);
    expect(whole).toHaveLength(12);
    expect(whole).not.toContain(2);
  });
});

describe('imageFolder', () => {
  it('reads images in one folder for each class', async () => {
    const at = temporaryFolder();
    for (const [i, { bytes }] of train.entries()) {
      if (i !== 2) await write(join(at, i % 2 ? 'odd' : 'even', `${i}.jpg`), bytes);
    }
    const source = ending(await imageFolder(at, { split: 'test', size, name: 'mine' }));
    expect(source).toMatchObject({ name: 'mine', split: 'test', classNames: ['even', 'odd'] });
    const [batch] = await collect(source, { batchSize: 11 });
    expect(batch!.labels).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    const other = await imageFolder(at, { classNames: ['odd', 'even'], size, workers: 0 });
    expect((await collect(ending(other), { batchSize: 11 }))[0]!.labels[0]).toBe(1);
  });

  it('refuses a size for a preprocessing that has its own', async () => {
    const at = temporaryFolder();
    await write(join(at, 'a', '1.jpg'), train[0]!.bytes);
    const { href: module } = new URL('./raw-preprocessing.ts', import.meta.url);
    await expect(imageFolder(at, { preprocessing: { module }, size })).rejects.toThrow(
      'size and decoder belong to a named preprocessing, not to a module.',
    );
  });
});
