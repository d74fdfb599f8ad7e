import { FileBytes } from './file-bytes.ts';
import { type OnProgress, reporter } from './progress.ts';
import type { FileStamp, RangeRecords } from './ranges.ts';
import { RecordTable } from './record-table.ts';
import { tarMembers } from './tar.ts';

/** What images are called in WebDataset's shards. */
const imageParts = new Set(['jpg', 'jpeg', 'png', 'webp']);
/** A label is a few digits, or JSON about one image. */
const largestLabel = { cls: 64, json: 1 << 20 };

/** One sample: the members of a tar that share a name up to the first dot, one after the other. */
interface Sample {
  key: string;
  image?: { name: string; offset: number; size: number };
  cls?: number;
  json?: number;
}

/**
 * Indexes shards of a WebDataset: tars in which members that share their names up to the first dot are one
 * sample, an image (`.jpg`, `.jpeg`, `.png`, `.webp`) with its label in `.cls` (decimal) or in `.json` (`label`).
 * Ordered as the shards are given, each in its own order. Samples without an image are passed over and
 * counted.
 *
 * @throws an error that names file and byte: a damaged or shortened tar, an image without a label or with
 *   one that is no class, labels that disagree, two images of one sample
 */
export async function indexWebDataset(
  paths: readonly string[],
  classNames: readonly string[],
  onProgress?: OnProgress,
): Promise<RangeRecords> {
  const table = new RecordTable();
  const report = reporter(onProgress);
  const stamps: FileStamp[] = [];
  let walked = 0;
  let skipped = 0;
  for (const [index, path] of paths.entries()) {
    using file = new FileBytes(path);
    stamps.push(file.stamp);
    for (const sample of samples(file, classNames.length)) {
      if (!sample.image) {
        skipped++;
        continue;
      }
      const { name, offset, size } = sample.image;
      table.add(index, offset, size, labelOf(file, sample, sample.image), name);
      await report(() => ({
        file: path,
        images: table.size,
        done: walked + offset,
        total: totalSize(paths, walked, stamps),
      }));
    }
    walked += file.size;
  }
  return {
    ...{ kind: 'ranges', form: 'WebDataset', size: table.size, classNames, skipped },
    ...{ files: paths, stamps },
    ...table.columns(),
  };
}

/** Shards that are still to come are taken to be as large as those walked over. */
const totalSize = (paths: readonly string[], walked: number, stamps: readonly FileStamp[]) =>
  stamps.length === 1
    ? stamps[0]!.size * paths.length
    : Math.round((walked / (stamps.length - 1)) * paths.length);

function* samples(file: FileBytes, classes: number): Generator<Sample, void, undefined> {
  let sample: Sample | undefined;
  for (const { name, offset, size } of tarMembers(file)) {
    const base = name.lastIndexOf('/') + 1;
    const dot = name.indexOf('.', base);
    // Hidden members are what an operating system leaves behind.
    if (dot <= base) continue;
    const key = name.slice(0, dot);
    const part = name.slice(dot + 1).toLowerCase();
    if (sample?.key !== key) {
      if (sample) yield sample;
      sample = { key };
    }
    if (imageParts.has(part)) {
      if (sample.image) {
        throw file.error(
          offset,
          `${name} is a second image of one sample, beside ${sample.image.name}`,
        );
      }
      if (size >= 2 ** 32) throw file.error(offset, `an image of ${size} bytes`);
      sample.image = { name: name.slice(base), offset, size };
    } else if (part === 'cls' || part === 'json') {
      if (size > largestLabel[part]) {
        throw file.error(offset, `${name} has ${size} bytes, too many for a label`);
      }
      const text = file.at(offset, size).toString();
      const label = part === 'cls' ? decimal(text) : labelInJson(text);
      if (label === undefined) continue;
      if (!(label >= 0 && label < classes)) {
        const content = text.trim().slice(0, 80);
        throw file.error(
          offset,
          `${name} should hold a label from 0 to ${classes - 1}; it is '${content}'`,
        );
      }
      sample[part] = label;
    }
  }
  if (sample) yield sample;
}

const decimal = (text: string) => (/^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN);

/** The member `label`; undefined when there is none, NaN when it is no whole number. */
function labelInJson(text: string): number | undefined {
  try {
    const { label } = JSON.parse(text) as { label?: unknown };
    if (label === undefined) return undefined;
    return Number.isInteger(label) ? (label as number) : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

function labelOf(
  file: FileBytes,
  { cls, json }: Sample,
  { name, offset }: { name: string; offset: number },
) {
  if (cls !== undefined && json !== undefined && cls !== json) {
    throw file.error(offset, `the label of ${name} is ${cls} in .cls but ${json} in .json`);
  }
  const label = cls ?? json;
  if (label !== undefined) return label;
  throw file.error(offset, `${name} has no label (a .cls or .json of the same name beside it)`);
}
