import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdversarialImage } from '@llr/attacks';
import type { Classifier } from '@llr/core';
import { encodeSafetensors, type NamedArray, writeWhole } from '@llr/models';
import { writeJson } from '@llr/train';
import { appendAt } from '../line-journal.ts';
import { adversarialSheet } from './adversarial-sheet.ts';
import type { SavedImage } from './journal-file.ts';

/** Adversarial images as they are found: kept in one file, in the order found, until all are there. */
export interface AdversarialImages {
  append(images: readonly AdversarialImage[]): Promise<readonly SavedImage[]>;
  /** Writes the files that are to stay; the same whatever the order in which the images were found. */
  finish(saved: readonly SavedImage[], metadata: Record<string, string>): Promise<void>;
  close(): Promise<void>;
  /** Removes the file that was kept meanwhile. */
  removeKept(): Promise<void>;
}

/** Bytes of a part, pixels alone: what is in memory at once. */
const partBytes = 2 ** 25;
const mostInPart = 500;

/**
 * Saves adversarial images in a folder, with memory for one part: `adversarial-1-of-3.safetensors` and so on with some
 * hundred images each (`image` and `perturbation` `[n, h, w, c]` float32, their sum being what the network took for
 * another class; `index`, `label` and `prediction` `[n]` int32), a sheet of each part to look at (`.png`: image, perturbation
 * scaled to its largest change around grey, their sum), and `adversarial.json` with the attack and run of each.
 *
 * @param count - how many a journal says are there already
 * @throws when there are fewer
 */
export async function adversarialImages(
  folder: string,
  inputShape: Classifier['inputShape'],
  count: number,
): Promise<AdversarialImages> {
  await mkdir(folder, { recursive: true });
  const pixels = inputShape.reduce((product, size) => product * size, 1);
  const recordBytes = 2 * 4 * pixels;
  const file = join(folder, 'adversarial.kept');
  const kept = await open(file, count > 0 ? 'r+' : 'w+').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? lost(file) : error;
  });
  let position = count * recordBytes;
  if ((await kept.stat()).size < position) {
    await kept.close();
    throw lost(file);
  }
  // What comes after was being saved when the process ended, and will be found again.
  await kept.truncate(position);

  const read = async (
    place: number,
  ): Promise<{ image: Float32Array; perturbation: Float32Array }> => {
    const bytes = new Uint8Array(recordBytes);
    const { bytesRead } = await kept.read(bytes, 0, recordBytes, place * recordBytes);
    if (bytesRead < recordBytes) throw lost(file);
    const values = new Float32Array(bytes.buffer);
    return { image: values.subarray(0, pixels), perturbation: values.subarray(pixels) };
  };

  return {
    append: async (images) => {
      const values = new Float32Array(2 * pixels * images.length);
      for (const [row, { image, perturbation }] of images.entries()) {
        values.set(image, 2 * pixels * row);
        values.set(perturbation, 2 * pixels * row + pixels);
      }
      position += await appendAt(kept, new Uint8Array(values.buffer), position);
      return images.map(({ image: _, perturbation: __, ...saved }) => saved);
    },
    finish: async (saved, metadata) => {
      const order = [...saved.keys()].sort(
        (a, b) => saved[a]!.index - saved[b]!.index || compare(saved[a]!.attack, saved[b]!.attack),
      );
      const inPart = Math.max(1, Math.min(mostInPart, Math.floor(partBytes / recordBytes)));
      const parts = Math.ceil(order.length / inPart);
      const listed = [];
      const names = new Set(['adversarial.json']);
      for (let part = 0; part < parts; part++) {
        const places = order.slice(part * inPart, (part + 1) * inPart);
        const name = `adversarial-${part + 1}-of-${parts}`;
        const found = [];
        for (const place of places) found.push({ ...saved[place]!, ...(await read(place)) });
        await writeWhole(
          join(folder, `${name}.safetensors`),
          encodeSafetensors(arraysOf(found, inputShape), metadata),
        );
        await writeWhole(join(folder, `${name}.png`), [adversarialSheet(found, inputShape)]);
        for (const each of [`${name}.safetensors`, `${name}.png`]) names.add(each);
        listed.push(
          ...places.map((place, row) => ({ ...saved[place]!, file: `${name}.safetensors`, row })),
        );
      }
      await writeJson(join(folder, 'adversarial.json'), { ...metadata, examples: listed });
      await removeOthers(folder, names);
    },
    close: () => kept.close(),
    removeKept: () => rm(file, { force: true }),
  };
}

const lost = (file: string) =>
  new Error(
    `${file} has lost adversarial images that were found before the evaluation was stopped. Begin anew with --restart.`,
  );

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Of an earlier evaluation that saved more parts into the same folder. */
async function removeOthers(folder: string, names: ReadonlySet<string>): Promise<void> {
  const ours = /^adversarial-\d+-of-\d+\.(safetensors|png)$/;
  for (const name of await readdir(folder)) {
    if (ours.test(name) && !names.has(name)) await rm(join(folder, name));
  }
}

function arraysOf(
  found: readonly AdversarialImage[],
  inputShape: Classifier['inputShape'],
): NamedArray<Float32Array | Int32Array>[] {
  const pixels = (of: 'image' | 'perturbation') => ({
    name: of,
    shape: [found.length, ...inputShape],
    values: joined(found.map((each) => each[of])),
  });
  const numbers = (of: 'index' | 'label' | 'prediction') => ({
    name: of,
    shape: [found.length],
    values: Int32Array.from(found, (each) => each[of]),
  });
  return [
    pixels('image'),
    pixels('perturbation'),
    numbers('index'),
    numbers('label'),
    numbers('prediction'),
  ];
}

/** Arrays of one length, one after the other. */
function joined(arrays: readonly Float32Array[]): Float32Array {
  const length = arrays[0]?.length ?? 0;
  const all = new Float32Array(arrays.length * length);
  for (const [i, array] of arrays.entries()) all.set(array, i * length);
  return all;
}
