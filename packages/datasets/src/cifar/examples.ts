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

/** Several lots of examples as one. */
export function concatenate(variant: Variant, parts: readonly Examples[]): Examples {
  if (parts.length === 1) return parts[0]!;
  const all = emptyExamples(
    variant,
    parts.reduce((sum, { count }) => sum + count, 0),
  );
  let first = 0;
  for (const { count, images, labels } of parts) {
    all.images.set(images, first * bytesPerImage);
    labels.forEach((values, field) => {
      all.labels[field]!.set(values, first);
    });
    first += count;
  }
  return all;
}
