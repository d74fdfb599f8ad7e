import type { LabelField, Variant } from './variants.ts';

/** Images of CIFAR with all their labels. */
export interface Examples {
  readonly count: number;
  /** Bytes, `[n, 32, 32, 3]`. */
  readonly images: Uint8Array;
  /** `[n]` for each label field of the variant, in its order. */
  readonly labels: readonly Uint8Array[];
}

const pixels = 32 * 32;

/** The bytes of one image. */
export const bytesPerImage = pixels * 3;

/** Room for `count` images of a variant. */
export function emptyExamples(variant: Variant, count: number): Examples {
  return {
    count,
    images: new Uint8Array(count * bytesPerImage),
    labels: variant.fields.map(() => new Uint8Array(count)),
  };
}

/** Puts one image's red, green and blue planes (CHW), row by row, into its place (HWC). */
export function interleave(planes: Uint8Array, start: number, to: Examples, index: number): void {
  const { images } = to;
  for (let channel = 0; channel < 3; channel++) {
    const plane = start + channel * pixels;
    const image = index * bytesPerImage + channel;
    for (let pixel = 0; pixel < pixels; pixel++) images[image + pixel * 3] = planes[plane + pixel]!;
  }
}

/**
 * Stores a label.
 *
 * @param file - for the error
 * @throws when it is none of the variant's, naming the file and the record
 */
export function setLabel(
  to: Examples,
  { title, fields }: Variant,
  field: number,
  index: number,
  label: unknown,
  file: string,
): void {
  const { name, classNames } = fields[field] as LabelField;
  if (typeof label !== 'number' || !Number.isInteger(label) || label < 0) {
    const shown = typeof label === 'number' ? label : typeof label;
    throw new Error(
      `${file} is damaged or not ${title}: record ${index} (counted from 0) has a ${which(name)}that is no whole number from 0 (${shown}).`,
    );
  }
  if (label >= classNames.length) {
    throw new Error(
      `${file} is damaged or not ${title}: record ${index} (counted from 0) has the ${which(name)}${label}, above ${classNames.length - 1}.`,
    );
  }
  to.labels[field]![index] = label;
}

const which = (name: LabelField['name']) => (name === 'label' ? 'label ' : `${name} label `);

/** Several lots of examples as one, each taken as it comes: `count` is how many there are in all, if known. */
export class Collected {
  readonly #variant: Variant;
  #all: Examples;
  #count = 0;

  constructor(variant: Variant, count: number | undefined) {
    this.#variant = variant;
    this.#all = emptyExamples(variant, count ?? 0);
  }

  add(part: Examples): void {
    if (this.#count === 0 && part.count >= this.#all.count) {
      this.#all = part;
      this.#count = part.count;
      return;
    }
    const needed = this.#count + part.count;
    if (needed > this.#all.count) {
      const larger = emptyExamples(this.#variant, needed);
      copy(this.#all, this.#count, larger, 0);
      this.#all = larger;
    }
    copy(part, part.count, this.#all, this.#count);
    this.#count = needed;
  }

  /** How many have been added. */
  get count(): number {
    return this.#count;
  }

  /** All that was added. */
  get examples(): Examples {
    const { images, labels } = this.#all;
    return {
      count: this.#count,
      images: images.subarray(0, this.#count * bytesPerImage),
      labels: labels.map((values) => values.subarray(0, this.#count)),
    };
  }
}

function copy(from: Examples, count: number, to: Examples, at: number): void {
  to.images.set(from.images.subarray(0, count * bytesPerImage), at * bytesPerImage);
  from.labels.forEach((values, field) => {
    to.labels[field]!.set(values.subarray(0, count), at);
  });
}
