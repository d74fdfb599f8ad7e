import { maskedCrc32c } from './crc32c.ts';
import { FileBytes } from './file-bytes.ts';
import { type OnProgress, reporter } from './progress.ts';
import type { FileStamp, RangeRecords } from './ranges.ts';
import { RecordTable } from './record-table.ts';
import { type Feature, featuresOf } from './tf-example.ts';

/**
 * How an image and its label are written: `slim` as in Google's own ImageNet scripts (`image/encoded`,
 * `image/class/label` from 1), `TFDS` as in TensorFlow Datasets (`image`, `label` from 0).
 */
type TFRecordLayout = 'slim' | 'TFDS';

const keysOf = {
  slim: { image: 'image/encoded', label: 'image/class/label', name: 'image/filename', first: 1 },
  TFDS: { image: 'image', label: 'label', name: 'file_name', first: 0 },
} as const;

const lengthBytes = 8;
const crcBytes = 4;

/**
 * Indexes files of TFRecords of `tf.train.Example`, whose layout is told by their keys. Images are addressed
 * in place. The checksum of every length is checked here, that of a payload when its record is read.
 * Ordered as the files are given, each in its own order.
 *
 * @param options.wnids - where `image/class/synset` is present, it has to agree with the label
 * @throws an error that names file and byte: a wrong checksum, a file that was cut short, a payload that is
 *   no Example, keys of neither layout or of another one than before, a label out of range: 0 or
 *   classes + 1 in slim (whose 0 is the background), classes in TFDS
 */
export async function indexTFRecords(
  paths: readonly string[],
  classNames: readonly string[],
  { wnids, onProgress }: { wnids?: readonly string[]; onProgress?: OnProgress } = {},
): Promise<RangeRecords> {
  const table = new RecordTable();
  const payloads = new RecordTable();
  const report = reporter(onProgress);
  const stamps: FileStamp[] = [];
  let walked = 0;
  let layout: TFRecordLayout | undefined;
  for (const [index, path] of paths.entries()) {
    using file = new FileBytes(path);
    stamps.push(file.stamp);
    for (const { offset, length } of payloadsOf(file)) {
      const features = featuresOf(file, offset, length);
      const found = layoutOf(file, offset, features);
      layout ??= found;
      if (found !== layout) {
        throw file.error(offset, `this record has the keys of ${found}, those before of ${layout}`);
      }
      const { image, label, name } = parts(file, offset, features, found, classNames, wnids);
      table.add(index, image.offset, image.length, label, name);
      payloads.add(index, offset, length, 0, '');
      await report(() => ({
        file: path,
        images: table.size,
        done: walked + offset,
        total: Math.round(((walked + file.size) / (index + 1)) * paths.length),
      }));
    }
    walked += file.size;
  }
  const { offset, length } = payloads.columns();
  return {
    ...{ kind: 'ranges', form: `TFRecord (${layout ?? 'empty'})`, size: table.size, classNames },
    ...{ skipped: 0, files: paths, stamps, payloads: { offset, length } },
    ...table.columns(),
  };
}

/** The payloads of a file: uint64 length, masked CRC of the length, payload, masked CRC of the payload. */
function* payloadsOf(file: FileBytes): Generator<{ offset: number; length: number }> {
  for (let position = 0; position < file.size; ) {
    const headerSize = lengthBytes + crcBytes;
    if (position + headerSize > file.size) {
      throw file.error(position, 'the file ends within the length of a record: it was cut short');
    }
    const header = file.at(position, headerSize);
    if (maskedCrc32c(header.subarray(0, lengthBytes)) !== header.readUInt32LE(lengthBytes)) {
      throw file.error(
        position,
        position === 0
          ? 'this is no file of TFRecords (or a compressed one): the checksum of the first length is wrong'
          : 'the checksum of a length is wrong: the file is damaged',
      );
    }
    const length = Number(header.readBigUInt64LE(0));
    const offset = position + headerSize;
    position = offset + length + crcBytes;
    if (!(position <= file.size)) {
      throw file.error(
        offset,
        `a record should have ${length} bytes, but the file ends at ${file.size}: it was cut short`,
      );
    }
    if (length >= 2 ** 32) throw file.error(offset, `a record of ${length} bytes`);
    yield { offset, length };
  }
}

function layoutOf(
  file: FileBytes,
  offset: number,
  features: ReadonlyMap<string, Feature>,
): TFRecordLayout {
  const found = (['slim', 'TFDS'] as const).find(
    (layout) => features.has(keysOf[layout].image) && features.has(keysOf[layout].label),
  );
  if (found) return found;
  const keys = [...features.keys()].slice(0, 20).join(', ');
  throw file.error(
    offset,
    `a record should have the keys image/encoded and image/class/label, or image and label; it has ${keys || 'none'}`,
  );
}

/** The image, label and name of one Example. */
function parts(
  file: FileBytes,
  offset: number,
  features: ReadonlyMap<string, Feature>,
  layout: TFRecordLayout,
  classNames: readonly string[],
  wnids: readonly string[] | undefined,
): { image: { offset: number; length: number }; label: number; name: string } {
  const keys = keysOf[layout];
  const image = features.get(keys.image)!.bytes;
  const stored = features.get(keys.label)!.integer;
  if (!image || stored === undefined) {
    throw file.error(
      offset,
      `${keys.image} should be one string of bytes and ${keys.label} one integer`,
    );
  }
  const label = stored - keys.first;
  if (!(label >= 0 && label < classNames.length)) {
    const last = classNames.length - 1 + keys.first;
    throw file.error(
      offset,
      `${keys.label} should be ${keys.first} to ${last} in this layout (${layout}); it is ${stored}`,
    );
  }
  const synset = textOf(file, features.get('image/class/synset'));
  if (wnids && synset && synset !== wnids[label]) {
    throw file.error(
      offset,
      `the label ${stored} stands for ${wnids[label]}, but image/class/synset is ${synset}`,
    );
  }
  return { image, label, name: textOf(file, features.get(keys.name)) };
}

/** A short text; empty when it is absent, or too long to be a name. */
function textOf(file: FileBytes, feature: Feature | undefined): string {
  const text = feature?.bytes;
  return text && text.length <= 1024 ? file.at(text.offset, text.length).toString() : '';
}
