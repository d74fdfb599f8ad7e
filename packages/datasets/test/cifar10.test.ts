import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cifar10 } from '@llr/datasets';
import { dispose } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { fixture, temporary } from './cifar-files.ts';
import { collect, indicesOf } from './helpers.ts';

const records = fixture('cifar10-test-first-20.bin');
const { root, folderOf } = temporary();

const partialTest = (from: string) => cifar10({ from, split: 'test', partial: true });

/** An official-sized file: record i has the label (first + i) mod 10 and only bytes of that value. */
function fullFile(first: number): Uint8Array {
  const bytes = new Uint8Array(10_000 * 3073);
  for (let i = 0; i < 10_000; i++) bytes.fill((first + i) % 10, i * 3073, (i + 1) * 3073);
  return bytes;
}

describe('the first 20 records of the real test set', () => {
  const directory = folderOf({ 'test_batch.bin': records });

  it('are what was published', () => {
    expect(createHash('sha256').update(records).digest('hex')).toBe(
      '7a75c7f3d741a45b5f79cc341c8607a874c6f441de815b9d426ace5249b5c733',
    );
  });

  it('give the known labels and pixels', async () => {
    const source = await partialTest(directory);
    expect(source).toMatchObject({
      name: 'cifar10',
      split: 'test',
      size: 20,
      inputShape: [32, 32, 3],
    });
    const [batch] = await collect(source, { batchSize: 20 });
    const labels = [3, 8, 8, 0, 6, 6, 1, 6, 3, 1, 0, 9, 5, 7, 9, 8, 5, 7, 8, 6];
    expect(batch!.labels).toEqual(labels);
    expect(batch!.images.slice(0, 3).map((value) => value * 255)).toEqual([158, 112, 49].map(near));
    expect(labels.slice(0, 4).map((label) => source.classNames[label])).toEqual([
      'cat',
      'ship',
      'ship',
      'airplane',
    ]);
  });

  it('are decoded plane by plane: red, green and blue of every pixel', async () => {
    const [batch] = await collect(await partialTest(directory), { batchSize: 20 });
    const { images } = batch!;
    for (const [n, y, x, channel] of [
      [0, 0, 1, 0],
      [0, 31, 0, 1],
      [7, 12, 30, 2],
      [19, 31, 31, 2],
    ] as const) {
      const byte = records[n * 3073 + 1 + channel * 1024 + y * 32 + x]!;
      expect(images[((n * 32 + y) * 32 + x) * 3 + channel]! * 255).toBeCloseTo(byte, 4);
    }
  });
});

const near = (value: number) => expect.closeTo(value, 4);

describe('official files', () => {
  const directory = join(folderOf({}), 'data');
  mkdirSync(join(directory, 'cifar-10-batches-bin'), { recursive: true });
  for (let number = 1; number <= 5; number++) {
    const file = join(directory, 'cifar-10-batches-bin', `data_batch_${number}.bin`);
    writeFileSync(file, fullFile(number));
  }

  it('make the training set, in their order, from the folder or the one above it', async () => {
    for (const given of [directory, join(directory, 'cifar-10-batches-bin')]) {
      const source = await cifar10({ from: given, split: 'train' });
      expect(source.size).toBe(50_000);
      for (let number = 1; number <= 5; number++) {
        const from = (number - 1) * 1000;
        for await (const { images, labels, indices } of source.batches({ batchSize: 10, from })) {
          const expected = Array.from({ length: 10 }, (_, i) => (number + i) % 10);
          expect(indices[0]).toBe(from * 10);
          expect([...labels.dataSync()]).toEqual(expected);
          const values = images.dataSync();
          expect(expected.map((_, i) => Math.round(values[i * 3072]! * 255))).toEqual(expected);
          dispose([images, labels]);
          break;
        }
      }
    }
  });

  it('are augmented when asked for: training images only', async () => {
    const train = await cifar10({ from: directory, split: 'train' });
    const first = async (augment: boolean) => {
      for await (const { images, labels } of train.batches({ batchSize: 64, epoch: 0, augment })) {
        const values = images.dataSync();
        dispose([images, labels]);
        return values;
      }
      return undefined;
    };
    expect(await first(true)).not.toEqual(await first(false));
    const test = await partialTest(folderOf({ 'test_batch.bin': records }));
    const options = { batchSize: 20, epoch: 0 };
    const plain = await collect(test, options);
    expect(await collect(test, { ...options, augment: true })).toEqual(plain);
    expect(indicesOf(plain)).toHaveLength(20);
  });

  it('are refused when one of them has lost its end, even between two records', async () => {
    const cut = fullFile(0).subarray(0, 9_999 * 3073);
    await expect(
      cifar10({ from: folderOf({ 'test_batch.bin': cut }), split: 'test' }),
    ).rejects.toThrow(
      /test_batch\.bin is incomplete or not CIFAR-10: it has 9,999 records, not 10,000\.$/,
    );
  });
});

describe('class names', () => {
  const names = 'plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n';

  it('come from batches.meta.txt where there is one', async () => {
    const directory = folderOf({ 'test_batch.bin': records, 'batches.meta.txt': names });
    expect((await partialTest(directory)).classNames).toEqual(names.trim().split('\n'));
  });

  it('must be ten', async () => {
    const directory = folderOf({ 'test_batch.bin': records, 'batches.meta.txt': 'cat\ndog\n' });
    await expect(partialTest(directory)).rejects.toThrow(
      /batches\.meta\.txt should list ten class names, one a line; it lists 2\.$/,
    );
  });
});

describe('bad input', () => {
  it('a folder that is not there', async () => {
    await expect(partialTest(join(root, 'nowhere'))).rejects.toThrow(
      /^There is no folder or file .*nowhere: it should hold .*data_batch_1\.bin to .*test_batch\.bin/,
    );
  });

  it('a file that is none of its files', async () => {
    const folder = folderOf({ 'first-20.bin': records });
    await expect(partialTest(join(folder, 'first-20.bin'))).rejects.toThrow(
      /first-20\.bin is no folder, tar archive or file of CIFAR-10: it should hold /,
    );
  });

  it('a folder with nothing of it', async () => {
    await expect(partialTest(folderOf({ 'train.bin': records }))).rejects.toThrow(
      /holds no CIFAR-10: it should hold .*binary version .*Python version .*Hugging Face/,
    );
  });

  it('a folder without the file', async () => {
    const from = folderOf({ 'data_batch_1.bin': records });
    await expect(partialTest(from)).rejects.toThrow(
      `${join(from, 'test_batch.bin')} is missing (binary version).`,
    );
    await expect(cifar10({ from, split: 'train', partial: true })).rejects.toThrow(
      `${join(from, 'data_batch_2.bin')} is missing, and 3 more of this split (binary version).`,
    );
  });

  it.each([0, 1, 3072, 61_459])('a file cut to %i bytes', async (length) => {
    const directory = folderOf({ 'test_batch.bin': records.subarray(0, length) });
    await expect(partialTest(directory)).rejects.toThrow(
      `test_batch.bin is truncated or not CIFAR-10: ${length.toLocaleString('en')} bytes are not whole records of 3073.`,
    );
  });

  it('a prefix, unless asked for', async () => {
    const directory = folderOf({ 'test_batch.bin': records });
    await expect(cifar10({ from: directory, split: 'test' })).rejects.toThrow(
      /test_batch\.bin is incomplete or not CIFAR-10: it has 20 records, not 10,000\.$/,
    );
  });

  it('a label above 9', async () => {
    const wrong = Uint8Array.from(records);
    wrong[7 * 3073] = 10;
    await expect(partialTest(folderOf({ 'test_batch.bin': wrong }))).rejects.toThrow(
      /test_batch\.bin is damaged or not CIFAR-10: record 7 \(counted from 0\) has the label 10, above 9\.$/,
    );
  });

  it('another split', async () => {
    await expect(cifar10({ from: root, split: 'val' as 'test' })).rejects.toThrow(
      "cifar10 has the splits 'train' and 'test'; got 'val'.",
    );
  });
});
