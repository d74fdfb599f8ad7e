import { fileURLToPath } from 'node:url';
import { imageNetRecords, openReader, recordName } from '@llr/datasets';
import { expect, test } from 'vitest';
import { FileBytes } from '../src/records/file-bytes.ts';
import { tarMembers } from '../src/records/tar.ts';
import { hashOf, photographs } from './forms.ts';
import { temporaryFolder } from './temporary-folder.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/forms/${name}`, import.meta.url));

const names = [
  'short.jpg',
  `${'d'.repeat(90)}/${'f'.repeat(90)}.jpg`,
  `${'e'.repeat(120)}/${'g'.repeat(200)}.jpg`,
  'Schönbrunn-日本.jpg',
];

test.each([
  ['gnu.tar', 4],
  ['oldgnu.tar', 4],
  ['pax.tar', 4],
  ['python.tar', 4],
  ['ustar.tar', 2],
  ['v7.tar', 1],
])('%s: names, places and sizes of its members', (name, count) => {
  using file = new FileBytes(fixture(name));
  const found = [...tarMembers(file)].map((member) => ({
    ...member,
    content: file.at(member.offset, member.size).toString(),
  }));
  // Each member's content is its name.
  expect(found.map((member) => member.name)).toEqual(names.slice(0, count));
  expect(found.map((member) => member.content)).toEqual(names.slice(0, count));
});

test.each([
  ['slim.tfrecord', 'TFRecord (slim)', true],
  ['tfds.tfrecord', 'TFRecord (TFDS)', true],
  ['snappy.parquet', 'parquet', false],
  ['zstd.parquet', 'parquet', false],
  ['webdataset.tar', 'WebDataset', true],
])('%s: images and labels', async (name, form, hasNames) => {
  await using folder = await temporaryFolder();
  const records = await imageNetRecords({
    source: fixture(name),
    split: 'train',
    partial: true,
    cacheFolder: folder.path,
  });
  expect(records).toMatchObject({ form, size: 3 });
  expect([...(records.labels ?? [])]).toEqual([657, 657, 825]);
  const written = new Map((await photographs()).map((image) => [image.name, hashOf(image.bytes)]));
  const reader = await openReader(records);
  for (const [index, key] of ['n03773504_10', 'n03773504_3', 'n04326547_3'].entries()) {
    const { bytes, label } = await reader.read(index);
    expect(hashOf(bytes)).toBe(written.get(`${key}.JPEG`));
    expect(label).toBe(records.labels![index]);
    const extension = form === 'WebDataset' ? 'jpg' : 'JPEG';
    expect(recordName(records, index)).toBe(hasNames ? `${key}.${extension}` : undefined);
  }
  await reader.close();
});
