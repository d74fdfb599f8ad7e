import { fashionMnist } from '@llr/datasets';
import { dispose } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { optionalPackage } from '../src/optional-package.ts';

describe('fashionMnist', () => {
  it('gives the test set', async () => {
    const source = await fashionMnist({ split: 'test' });
    expect(source).toMatchObject({
      name: 'fashion-mnist',
      split: 'test',
      size: 10_000,
      inputShape: [28, 28, 1],
    });
    const options = { batchSize: 20 };
    for await (const { images, labels } of source.batches(options)) {
      const names = [...labels.dataSync().subarray(0, 3)].map((label) => source.classNames[label]);
      expect(names).toEqual(['Ankle boot', 'Pullover', 'Trouser']);
      const values = images.dataSync();
      expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(Math.max(...values.subarray(0, 784))).toBe(1);
      dispose([images, labels]);
      break;
    }
  });

  it('gives the training set in full batches', async () => {
    const source = await fashionMnist({ split: 'train' });
    expect(source).toMatchObject({ split: 'train', size: 20_000 });
    const visited = new Set<number>();
    for await (const { images, labels, indices } of source.batches({ batchSize: 128, epoch: 0 })) {
      for (const index of indices) visited.add(index);
      dispose([images, labels]);
    }
    expect(visited.size).toBe(Math.floor(20_000 / 128) * 128);
  });

  it('refuses another split', async () => {
    await expect(fashionMnist({ split: 'all' as 'test' })).rejects.toThrow(
      "fashion-mnist has the splits 'train' and 'test'; got 'all'.",
    );
  });
});

describe('optionalPackage', () => {
  it('says how to install what is not there', async () => {
    const name = '@llr/not-there';
    await expect(optionalPackage(name, () => import(/* @vite-ignore */ name))).rejects.toThrow(
      new Error('@llr/not-there is not installed: npm install @llr/not-there'),
    );
  });

  it('passes on what is wrong inside the package', async () => {
    const broken = new Error('data/test-images.br is damaged');
    await expect(optionalPackage('@llr/broken', () => Promise.reject(broken))).rejects.toBe(broken);
    const inner = Object.assign(new Error("Cannot find package 'left-pad'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    await expect(optionalPackage('@llr/broken', () => Promise.reject(inner))).rejects.toBe(inner);
  });
});
