import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { imageFolderRecords, openReader, recordName, whereabouts } from '@llr/datasets';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llr-image-folder-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), `bytes of ${path}`);
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('classes are the sorted folders, images sorted within them', async () => {
  await put(
    'dog/b.PNG',
    'dog/a.jpg',
    'cat/z.jpeg',
    'cat/more/a.webp',
    'cat/notes.txt',
    '.cache/x.jpg',
  );
  const records = await imageFolderRecords({ directory: folder });
  expect(records).toMatchObject({ form: 'ImageFolder', size: 4, skipped: 1 });
  expect(records.classNames).toEqual(['cat', 'dog']);
  const reader = await openReader(records);
  const found = [];
  for (let index = 0; index < records.size; index++) {
    const { bytes, label } = await reader.read(index);
    found.push([label, text(bytes)]);
  }
  await reader.close();
  expect(found).toEqual([
    [0, 'bytes of cat/z.jpeg'],
    [0, 'bytes of cat/more/a.webp'],
    [1, 'bytes of dog/a.jpg'],
    [1, 'bytes of dog/b.PNG'],
  ]);
  expect([...records.labels]).toEqual([0, 0, 1, 1]);
  expect(recordName(records, 2)).toBe('a.jpg');
  expect(whereabouts(records, 1)).toBe(join(folder, 'cat', 'more', 'a.webp'));
});

test('labels go by the classes that are given, so a split without one of them keeps the others', async () => {
  await put('train/cat/1.jpg', 'train/dog/1.jpg', 'val/dog/2.jpg');
  const train = await imageFolderRecords({ directory: join(folder, 'train') });
  const val = await imageFolderRecords({
    directory: join(folder, 'val'),
    classNames: train.classNames,
  });
  expect([...val.labels]).toEqual([1]);
  await put('val/fox/3.jpg');
  await expect(
    imageFolderRecords({ directory: join(folder, 'val'), classNames: train.classNames }),
  ).rejects.toThrow(/fox is no class: they are cat, dog/);
});

test('records can be posted to a thread without copying their arrays', async () => {
  await put('cat/1.jpg', 'dog/1.jpg');
  const records = await imageFolderRecords({ directory: folder });
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     workerData.labels[1] = 7;
     parentPort.postMessage([...workerData.names.bytes]);`,
    { eval: true, workerData: records },
  );
  const names = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  expect(names).toEqual([...records.names.bytes]);
  expect(records.labels[1]).toBe(7);
});

test('links are followed, and one that leads around in a circle is an error', async () => {
  await put('elsewhere/cats/1.jpg', 'elsewhere/2.jpg', 'root/dog/1.jpg');
  await symlink(join(folder, 'elsewhere/cats'), join(folder, 'root/cat'));
  await symlink(join(folder, 'elsewhere/2.jpg'), join(folder, 'root/dog/2.jpg'));
  const records = await imageFolderRecords({ directory: join(folder, 'root') });
  expect([...records.labels]).toEqual([0, 1, 1]);
  await symlink(join(folder, 'root/dog'), join(folder, 'root/dog/again'));
  await expect(imageFolderRecords({ directory: join(folder, 'root') })).rejects.toThrow(
    /again is a link to a folder that contains it/,
  );
});

test('what is missing or empty is said by its path', async () => {
  await expect(imageFolderRecords({ directory: join(folder, 'none') })).rejects.toThrow(
    `There is no folder ${join(folder, 'none')}.`,
  );
  await put('1.jpg');
  await expect(imageFolderRecords({ directory: folder })).rejects.toThrow(/has no folders/);
  await expect(imageFolderRecords({ directory: join(folder, '1.jpg') })).rejects.toThrow(
    /1.jpg is not a folder/,
  );
  await put('cat/1.jpg', 'dog/readme.md');
  await expect(imageFolderRecords({ directory: folder })).rejects.toThrow(/dog has no images/);
  await put('dog/1.jpg');
  await truncate(join(folder, 'cat/1.jpg'), 0);
  const records = await imageFolderRecords({ directory: folder });
  const reader = await openReader(records);
  await expect(reader.read(0)).rejects.toMatchObject({
    name: 'RecordError',
    message: `${join(folder, 'cat/1.jpg')} is empty (0 bytes).`,
  });
  await rm(join(folder, 'dog/1.jpg'));
  await expect(reader.read(1)).rejects.toThrow(/ENOENT.*dog/);
  await expect(reader.read(2)).rejects.toThrow(RangeError);
  expect(() => whereabouts(records, -1)).toThrow(RangeError);
});
