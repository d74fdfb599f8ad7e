import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { crc32c } from './crc32c-oracle.ts';

// Writers of the forms that images come in, small and plain, independent of the readers.

export interface Labelled {
  /** 'n02123045_3.JPEG' */
  name: string;
  bytes: Buffer;
  label: number;
}

export interface Photograph extends Labelled {
  wnid: string;
}

/** The labels of the photographs' classes, as published. */
const labelOf: Readonly<Record<string, number>> = {
  n02123045: 281,
  n03773504: 657,
  n04266014: 812,
  n04326547: 825,
  n07920052: 967,
  n09428293: 978,
};

const folder = fileURLToPath(new URL('fixtures/photographs', import.meta.url));

/** Twelve photographs of six classes, sorted by name. */
export async function photographs(): Promise<Photograph[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.JPEG')).sort();
  return Promise.all(
    names.map(async (name) => ({
      name,
      wnid: name.slice(0, 9),
      label: labelOf[name.slice(0, 9)]!,
      bytes: await readFile(join(folder, name)),
    })),
  );
}

export const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export async function write(path: string, bytes: Uint8Array | string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

export interface Member {
  name: string;
  bytes?: Uint8Array;
  type?: string;
  /** What the header says, where that is not the truth. */
  size?: number;
  prefix?: string;
  /** 'binary' writes the size in base 256. */
  sizeAs?: 'octal' | 'binary';
}

/** One ustar header of 512 bytes. */
export function tarHeader({ name, bytes, type = '0', size, prefix = '', sizeAs }: Member): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  const length = size ?? bytes?.length ?? 0;
  if (sizeAs === 'binary') {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(length), 128);
  } else {
    header.write(`${length.toString(8).padStart(11, '0')}\0`, 124);
  }
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A tar with its end mark. */
export function tar(members: readonly Member[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const member of members) {
    const bytes = member.bytes ?? Buffer.alloc(0);
    parts.push(tarHeader(member), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** The original training archive: a tar of a tar for each class; the classes in the order they are given. */
export function nestedTar(images: readonly Photograph[]): Buffer {
  const classes = new Map<string, Photograph[]>();
  for (const image of images) classes.set(image.wnid, [...(classes.get(image.wnid) ?? []), image]);
  return tar([...classes].map(([wnid, members]) => ({ name: `${wnid}.tar`, bytes: tar(members) })));
}

/** A shard of a WebDataset. */
export const webDataset = (images: readonly Labelled[]) =>
  tar(
    images.flatMap(({ name, bytes, label }) => [
      { name: name.replace('.JPEG', '.jpg'), bytes },
      { name: name.replace('.JPEG', '.cls'), bytes: Buffer.from(`${label}`) },
    ]),
  );

/** An unsigned number as a varint. */
export function varint(value: number): Buffer {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** A length-delimited field of a protocol buffer. */
export const field = (number: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([number * 8 + 2]), varint(bytes.length), bytes]);

type Value = Uint8Array | string | number;

/** A tf.train.Example. */
export function example(features: Record<string, Value>): Buffer {
  const entries = Object.entries(features).map(([key, value]) => {
    const list =
      typeof value === 'number'
        ? field(3, field(1, varint(value)))
        : field(1, field(1, Buffer.from(value)));
    return field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, list)]));
  });
  return field(1, Buffer.concat(entries));
}

const masked = (bytes: Uint8Array) => {
  const crc = crc32c(bytes);
  const word = Buffer.alloc(4);
  word.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return word;
};

/** A file of TFRecords. */
export function tfRecords(payloads: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    payloads.flatMap((payload) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(payload.length));
      return [length, masked(length), payload, masked(payload)];
    }),
  );
}

/** As Google's scripts write ImageNet: labels from 1. */
export const slimExample = ({ name, bytes, label }: Labelled, wnid?: string) =>
  example({
    'image/height': 120,
    'image/class/label': label + 1,
    ...(wnid && { 'image/class/synset': wnid }),
    'image/encoded': bytes,
    'image/filename': name,
  });

/** As TensorFlow Datasets writes ImageNet: labels from 0. */
export const tfdsExample = ({ name, bytes, label }: Labelled) =>
  example({ file_name: name, image: bytes, label });

/** As Hugging Face keeps images: a struct of bytes and path, and an int64. */
export function parquet(images: readonly Labelled[], rowGroupSize: number): Buffer {
  return Buffer.from(
    parquetWriteBuffer({
      rowGroupSize,
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
        { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
      ],
      columnData: [
        { name: 'image', data: images.map(({ name, bytes }) => ({ bytes, path: name })) },
        { name: 'label', data: images.map(({ label }) => BigInt(label)) },
      ],
    }),
  );
}
