import { join } from 'node:path';
import { imageNetRecords, openReader, type Records } from '@llr/datasets';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageNetLists } from '../src/imagenet/lists.ts';
import {
  hashOf,
  type Labelled,
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
let train: Photograph[];
/** Six photographs under the names of the first validation images, in an order that is not theirs. */
let validation: Labelled[];

beforeAll(async () => {
  folder = await temporaryFolder();
  const { validationLabels } = await imageNetLists();
  train = await photographs();
  validation = [3, 1, 6, 2, 5, 4].map((number, i) => ({
    name: `ILSVRC2012_val_0000000${number}.JPEG`,
    bytes: train[2 * i]!.bytes,
    label: validationLabels[number - 1]!,
  }));
});

afterAll(() => folder[Symbol.asyncDispose]());

const open = (source: string, split: 'train' | 'validation') =>
  imageNetRecords({ source, split, partial: true, cacheFolder: folder.at('cache') });

/** Which label the image with which bytes has. */
async function labelsByBytes(records: Records): Promise<Map<string, number>> {
  const reader = await openReader(records);
  const found = new Map<string, number>();
  for (let index = 0; index < records.size; index++) {
    const { bytes, label } = await reader.read(index);
    expect(label).toBe(records.labels?.[index] ?? label);
    found.set(hashOf(bytes), label);
  }
  await reader.close();
  return found;
}

const expected = (images: readonly Labelled[]) =>
  new Map(images.map(({ bytes, label }) => [hashOf(bytes), label]));

const reversed = <T>(items: readonly T[]) => [...items].reverse();

/** Every form of the training images; each is given a folder of its own and returns the source. */
const trainForms: Record<string, (at: string) => Promise<string>> = {
  'nested tars': (at) => write(join(at, 'ILSVRC2012_img_train.tar'), nestedTar(reversed(train))),
  'class tars': async (at) => {
    for (const wnid of new Set(train.map((image) => image.wnid))) {
      const images = train.filter((image) => image.wnid === wnid);
      await write(join(at, 'train', `${wnid}.tar`), tar(reversed(images)));
    }
    return at;
  },
  ImageFolder: async (at) => {
    for (const { wnid, name, bytes } of train) await write(join(at, 'train', wnid, name), bytes);
    return at;
  },
  'TFRecord (slim)': async (at) => {
    const payloads = train.map((image) => slimExample(image, image.wnid));
    await write(join(at, 'train-00000-of-00002'), tfRecords(payloads.slice(0, 5)));
    await write(join(at, 'train-00001-of-00002'), tfRecords(payloads.slice(5)));
    return at;
  },
  'TFRecord (TFDS)': async (at) => {
    const shard = 'imagenet2012/5.1.0/imagenet2012-train.tfrecord-00000-of-00001';
    await write(join(at, shard), tfRecords(reversed(train).map(tfdsExample)));
    return at;
  },
  WebDataset: async (at) => {
    await write(join(at, 'imagenet1k-train-0000.tar'), webDataset(train.slice(0, 7)));
    await write(join(at, 'imagenet1k-train-0001.tar'), webDataset(train.slice(7)));
    return join(at, 'imagenet1k-train-{0000..0001}.tar');
  },
  parquet: async (at) => {
    await write(join(at, 'data/train-00000-of-00002.parquet'), parquet(train.slice(0, 7), 3));
    await write(join(at, 'data/train-00001-of-00002.parquet'), parquet(train.slice(7), 3));
    return at;
  },
};

const validationForms: Record<string, (at: string) => Promise<string>> = {
  'validation tar': async (at) => {
    await write(join(at, 'ILSVRC2012_img_val.tar'), tar(validation));
    return at;
  },
  'flat folder': async (at) => {
    for (const { name, bytes } of validation) {
      await write(join(at, 'ILSVRC/Data/CLS-LOC/val', name), bytes);
    }
    return at;
  },
  ImageFolder: async (at) => {
    const { wnids } = await imageNetLists();
    for (const { name, bytes, label } of validation) {
      await write(join(at, 'val', wnids[label]!, name), bytes);
    }
    return at;
  },
  'TFRecord (slim)': async (at) => {
    const payloads = validation.map((image) => slimExample(image));
    await write(join(at, 'validation-00000-of-00001'), tfRecords(payloads));
    return at;
  },
  WebDataset: (at) => write(join(at, 'imagenet1k-validation-00.tar'), webDataset(validation)),
  parquet: (at) => write(join(at, 'validation-00000-of-00001.parquet'), parquet(validation, 2)),
};

describe('the same image has the same label and the same bytes in every form', () => {
  test.each(Object.entries(trainForms))('train, %s', async (form, make) => {
    const source = await make(folder.at('train', form));
    const records = await open(source, 'train');
    expect(records).toMatchObject({ form, size: 12 });
    expect(records.classNames).toHaveLength(1000);
    expect(await labelsByBytes(records)).toEqual(expected(train));
  });

  test.each(Object.entries(validationForms))('validation, %s', async (form, make) => {
    const source = await make(folder.at('validation', form));
    const records = await open(source, 'validation');
    expect(records).toMatchObject({ form, size: 6 });
    expect(await labelsByBytes(records)).toEqual(expected(validation));
  });
});
