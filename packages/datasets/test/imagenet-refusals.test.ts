import { appendFile, mkdir, readdir, readFile, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type IndexProgress,
  imageNetRecords,
  type OnProgress,
  openReader,
  type Records,
  whereabouts,
} from '@llr/datasets';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  example,
  nestedTar,
  type Photograph,
  parquet,
  photographs,
  slimExample,
  tar,
  tfdsExample,
  tfRecords,
  webDataset,
  write,
} from './forms.ts';
import { temporaryFolder } from './temporary-folder.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let photos: Photograph[];

beforeEach(async () => {
  folder = await temporaryFolder();
  photos = await photographs();
});

afterEach(() => folder[Symbol.asyncDispose]());

const open = (
  source: string,
  split: 'train' | 'validation' = 'train',
  options: { partial?: boolean; onProgress?: OnProgress } = {},
) => imageNetRecords({ source, split, partial: true, cacheFolder: folder.at('cache'), ...options });

/** What a source of these bytes is refused with. */
const refusal = (name: string, bytes: Uint8Array, split?: 'train' | 'validation') =>
  expect(write(folder.at(name), bytes).then((source) => open(source, split))).rejects;

async function readAll(records: Records): Promise<(string | number)[]> {
  const reader = await openReader(records);
  const found = [];
  for (let index = 0; index < records.size; index++) {
    found.push(
      await reader.read(index).then(
        ({ label }) => label,
        (error: Error) => error.message,
      ),
    );
  }
  await reader.close();
  return found;
}

test('a part of a split has to be asked for', async () => {
  const source = await write(folder.at('train.tar'), nestedTar(photos));
  await expect(open(source, 'train', { partial: false })).rejects.toThrow(
    /train.tar \(nested tars\) has 12 images; the split 'train' of ILSVRC2012 has 1281167. Set partial/,
  );
  await expect(open(source, 'test' as 'train')).rejects.toThrow(
    /splits 'train' and 'validation'; got 'test'. The labels of its test split are not published/,
  );
});

test('the other split is refused', async () => {
  const validation = [{ name: 'ILSVRC2012_val_00000001.JPEG', bytes: photos[0]!.bytes }];
  await refusal('images.tar', nestedTar(photos), 'validation').toThrow(/holds the split 'train'/);
  await refusal('images2.tar', tar(validation)).toThrow(/holds the split 'validation'/);
  await refusal('train-0000.tar', webDataset(photos), 'validation').toThrow(/'train'/);
  await write(folder.at('mixed/n02123045', 'ILSVRC2012_val_00000001.JPEG'), photos[0]!.bytes);
  await expect(open(folder.at('mixed'))).rejects.toThrow(
    /00000001.JPEG is an image of the split 'validation'; 'train' was asked for/,
  );
});

test('labels of TFRecords are 1 to 1,000 in one layout and 0 to 999 in the other', async () => {
  const slim = (label: number) => tfRecords([slimExample({ ...photos[0]!, label: label - 1 })]);
  const tfds = (label: number) => tfRecords([tfdsExample({ ...photos[0]!, label })]);
  await refusal('a.tfrecord', slim(0)).toThrow(
    /a.tfrecord, byte 12: image\/class\/label should be 1 to 1000 in this layout \(slim\); it is 0/,
  );
  await refusal('b.tfrecord', slim(1001)).toThrow(/it is 1001/);
  await refusal('c.tfrecord', tfds(1000)).toThrow(
    /label should be 0 to 999 .*\(TFDS\); it is 1000/,
  );
  for (const [name, bytes, label] of [
    ['d', slim(1000), 999],
    ['e', tfds(0), 0],
  ] as const) {
    const records = await open(await write(folder.at(`${name}.tfrecord`), bytes));
    expect([...records.labels!]).toEqual([label]);
  }
  const wrong = slimExample(photos[0]!, 'n01440764');
  await refusal('f.tfrecord', tfRecords([wrong])).toThrow(
    /the label 282 stands for n02123045, but image\/class\/synset is n01440764/,
  );
  const both = tfRecords([slimExample(photos[0]!), tfdsExample(photos[1]!)]);
  await refusal('g.tfrecord', both).toThrow(/has the keys of TFDS, those before of slim/);
  const neither = tfRecords([example({ picture: photos[0]!.bytes, label: 3 })]);
  await refusal('h.tfrecord', neither).toThrow(/it has picture, label/);
});

test('a payload whose checksum is wrong is one bad record', async () => {
  const bytes = tfRecords(photos.slice(0, 3).map((image) => slimExample(image)));
  const records = await open(await write(folder.at('a.tfrecord'), bytes));
  if (records.kind !== 'ranges') throw new Error(records.kind);
  bytes[records.offset[1]! + 50]! ^= 1;
  await write(folder.at('b.tfrecord'), bytes);
  const damaged = await open(folder.at('b.tfrecord'));
  const [first, second, third] = await readAll(damaged);
  expect([first, third]).toEqual([281, 657]);
  expect(second).toMatch(
    /b.tfrecord, record 1 at byte \d+: the checksum of its record .* is wrong/,
  );
  bytes[3]! ^= 1;
  await refusal('c.tfrecord', bytes).toThrow(/c.tfrecord, byte 0: this is no file of TFRecords/);
});

test('members of the original tars that do not belong there', async () => {
  const [image] = photos as [Photograph];
  const inner = (wnid: string, ...names: string[]) => ({
    name: `${wnid}.tar`,
    bytes: tar(names.map((name) => ({ name, bytes: image.bytes }))),
  });
  await refusal('a.tar', tar([inner('n02123045', 'n03773504_1.JPEG')])).toThrow(
    /n03773504_1.JPEG lies in n02123045.tar, among the images of another class/,
  );
  await refusal('b.tar', tar([inner('n00000001')])).toThrow(
    /n00000001.tar is no tar of one of the 1,000 classes/,
  );
  const twice = inner('n02123045', 'n02123045_1.JPEG', 'n02123045_1.JPEG');
  await refusal('c.tar', tar([twice])).toThrow(/byte \d+: n02123045_1.JPEG is there twice/);
  const same = inner('n02123045', 'n02123045_1.JPEG');
  await refusal('d.tar', tar([same, same])).toThrow(/n02123045.tar is there twice/);
  const notes = await open(
    await write(folder.at('e.tar'), tar([inner('n02123045', 'n02123045_1.JPEG', 'readme.txt')])),
  );
  expect(notes).toMatchObject({ size: 1, skipped: 1 });
  const val = (name: string) => ({ name, bytes: image.bytes });
  await refusal(
    'f.tar',
    tar([val('ILSVRC2012_val_00000001.JPEG'), val('x.JPEG')]),
    'validation',
  ).toThrow(/x.JPEG is no validation image/);
  const one = val('ILSVRC2012_val_00000001.JPEG');
  await refusal('g.tar', tar([one, one]), 'validation').toThrow(/is there twice/);
  const whole = nestedTar(photos);
  await refusal('h.tar', whole.subarray(0, whole.length / 2)).toThrow(
    /h.tar, byte \d+: .*cut short/,
  );
});

test('indexing says how far it is, and one class alone can be read', async () => {
  const members = Array.from({ length: 5000 }, (_, i) => ({ name: `n02123045_${i}.JPEG` }));
  const source = await write(folder.at('n02123045.tar'), tar(members));
  const seen: IndexProgress[] = [];
  const records = await open(source, 'train', { onProgress: (progress) => seen.push(progress) });
  expect(records).toMatchObject({ form: 'class tars', size: 5000 });
  expect(seen.map(({ images }) => images)).toEqual([2048, 4096]);
  for (const { file, done, total } of seen) {
    expect(file).toBe(source);
    expect(total).toBe(5000 * 512 + 1024);
    expect(done).toBeLessThan(total);
  }
});

test('an empty image is one bad record, and its place is named', async () => {
  const members = [
    { name: 'ILSVRC2012_val_00000002.JPEG' },
    { name: 'ILSVRC2012_val_00000001.JPEG', bytes: photos[0]!.bytes },
  ];
  const path = await write(folder.at('val.tar'), tar(members));
  const records = await open(path, 'validation');
  expect(await readAll(records)).toEqual([
    65,
    `${path}, record 1 at byte 512: the image is empty (0 bytes).`,
  ]);
  expect(whereabouts(records, 0)).toBe(`${path}, ILSVRC2012_val_00000001.JPEG at byte 1024`);
});

test('a file that changed since it was indexed is not read', async () => {
  const path = await write(folder.at('train.tar'), nestedTar(photos));
  const records = await open(path);
  await appendFile(path, Buffer.alloc(512));
  expect((await readAll(records))[0]).toMatch(/train.tar has changed since it was indexed/);
});

test('an index is kept, read again while the file is the same, and made anew when damaged', async () => {
  const path = await write(folder.at('train.tar'), nestedTar(photos));
  const setTime = () => utimes(path, 1e9, 1e9);
  await setTime();
  const first = await open(path);
  const bytes = await readFile(path);
  // Damaged where only indexing looks, with the same size and time: only a kept index can be used.
  const second = 512 + Number.parseInt(bytes.toString('latin1', 124, 135), 8);
  await write(path, Buffer.from(bytes).fill('x', second, second + 512));
  await setTime();
  const kept = await open(path);
  expect({ ...kept, stamps: [] }).toEqual({ ...first, stamps: [] });
  const indexes = folder.at('cache', 'indexes');
  const [index] = await readdir(indexes);
  expect(await readdir(indexes)).toHaveLength(1);
  const content = await readFile(join(indexes, index!));
  content[content.length - 40]! ^= 1;
  await write(join(indexes, index!), content);
  await expect(open(path)).rejects.toThrow(`train.tar, byte ${second}: this is no tar header`);
  await truncate(join(indexes, index!), 10);
  await write(path, bytes);
  expect(await readAll(await open(path))).toEqual(photos.map(({ label }) => label));
  // A folder that can't be written to costs the index, nothing else.
  await write(folder.at('file'), '');
  const options = { source: path, split: 'train', partial: true } as const;
  const without = await imageNetRecords({ ...options, cacheFolder: folder.at('file') });
  expect(without.size).toBe(12);
});

test('samples of a WebDataset', async () => {
  const [{ bytes }] = photos as [Photograph];
  const text = (name: string, content: string) => ({ name, bytes: Buffer.from(content) });
  const image = { name: 'a.jpg', bytes };
  await refusal('a.tar', tar([image, text('b.cls', '3')])).toThrow(/a.jpg has no label/);
  await refusal('b.tar', tar([image, text('a.cls', '1000')])).toThrow(
    /a.cls should hold a label from 0 to 999; it is '1000'/,
  );
  await refusal('c.tar', tar([image, text('a.cls', 'cat')])).toThrow(/it is 'cat'/);
  await refusal('d.tar', tar([image, text('a.json', '{"label":3'), text('a.x', '')])).toThrow(
    /a.json should hold a label/,
  );
  await refusal('e.tar', tar([image, text('a.cls', '3'), text('a.json', '{"label":4}')])).toThrow(
    /the label of a.jpg is 3 in .cls but 4 in .json/,
  );
  await refusal('f.tar', tar([image, { name: 'a.png', bytes }, text('a.cls', '3')])).toThrow(
    /a.png is a second image of one sample, beside a.jpg/,
  );
  const json = tar([
    text('s/a.json', '{"label":4}'),
    { name: 's/a.jpeg', bytes },
    text('b.cls', '1'),
  ]);
  const records = await open(await write(folder.at('g.tar'), json));
  expect(records).toMatchObject({ size: 1, skipped: 1 });
  expect(await readAll(records)).toEqual([4]);
});

test('parquet files with other columns or secret labels', async () => {
  const secret = parquet([{ ...photos[0]!, label: -1 }], 2);
  await refusal('a.parquet', secret).toThrow(
    /a.parquet, row 0: the label should be 0 to 999; it is -1 \(the labels of a test split are kept secret\)/,
  );
  await refusal('test-00000-of-00028.parquet', secret).toThrow(/holds the split 'test'/);
});

test('a parquet file that changed since its footer was read is not read', async () => {
  const path = await write(folder.at('a.parquet'), parquet(photos, 3));
  const records = await open(path);
  await write(path, parquet(photos.slice(0, 5), 3));
  expect((await readAll(records))[0]).toMatch(/a.parquet has changed since its footer was read/);
});

test('folders that are not named by WordNet ids', async () => {
  for (const name of ['1', '2', '10']) await write(folder.at('ids/train', name, 'a.JPEG'), 'x');
  await expect(open(folder.at('ids'))).rejects.toThrow(
    /train: its folders \(1, 10, 2\) are not named by WordNet ids/,
  );
  for (let i = 0; i < 10; i++) await write(folder.at('names', `class ${i}`, 'a.JPEG'), 'x');
  await expect(open(folder.at('names'))).rejects.toThrow(
    /class 0, class 1, class 2, …\) are not named/,
  );
  await write(folder.at('more/n02123045', 'n02123045_1.JPEG'), 'x');
  await write(folder.at('more/tench', 'a.JPEG'), 'x');
  await expect(open(folder.at('more'))).rejects.toThrow(/tench lies among the folders of classes/);
  await write(folder.at('other/n00004475', 'a.JPEG'), 'x');
  await expect(open(folder.at('other'))).rejects.toThrow(/n00004475 is none of the 1,000 classes/);
  await write(folder.at('moved/n02123045', 'n03773504_1.JPEG'), 'x');
  await expect(open(folder.at('moved'))).rejects.toThrow(
    /n03773504_1.JPEG lies in the folder of n02123045, but is an image of n03773504/,
  );
});

test('nothing that is known', async () => {
  await mkdir(folder.at('empty'));
  await expect(open(folder.at('empty'))).rejects.toThrow(
    /has no images of ImageNet's split 'train'/,
  );
  await expect(open(folder.at('none'))).rejects.toThrow(/There is no .*none/);
  await write(folder.at('packed/train.tar.gz'), 'x');
  await expect(open(folder.at('packed'))).rejects.toThrow(/train.tar.gz is compressed/);
  await expect(open(folder.at('packed/train.tar.gz'))).rejects.toThrow(/not compressed/);
  await write(folder.at('renamed/val/picture.JPEG'), 'x');
  await write(folder.at('renamed/val/ILSVRC2012_val_00000001.JPEG'), 'x');
  await expect(open(folder.at('renamed'), 'validation')).rejects.toThrow(
    /picture.JPEG: its name says no label/,
  );
  await expect(open(folder.at('train-{5..2}.tar'))).rejects.toThrow(/\{5..2\} in .* should go up/);
});

test('shards that are missing are counted', async () => {
  const bytes = tfRecords([slimExample(photos[0]!)]);
  for (const shard of ['00000', '00002'])
    await write(folder.at(`d/train-${shard}-of-00004`), bytes);
  await expect(open(folder.at('d'))).rejects.toThrow(
    /of 4 files train-…-of-…, 2 are missing, the first is number 1/,
  );
  const part = await open(folder.at('d/train-{00000..00000}-of-00004'));
  expect(part.size).toBe(1);
});

test("Kaggle's list of validation labels has to agree with the published one", async () => {
  const image = 'ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_00000001.JPEG';
  await write(folder.at(image), photos[0]!.bytes);
  const solution = (wnid: string) =>
    `ImageId,PredictionString\nILSVRC2012_val_00000001,${wnid} 85 1 499 272 \n`;
  await write(folder.at('LOC_val_solution.csv'), solution('n01751748'));
  expect([...(await open(folder.path, 'validation')).labels!]).toEqual([65]);
  await write(folder.at('LOC_val_solution.csv'), solution('n02123045'));
  await expect(open(folder.path, 'validation')).rejects.toThrow(
    /LOC_val_solution.csv, line 2: the label of ILSVRC2012_val_00000001 is n02123045, but n01751748/,
  );
});
