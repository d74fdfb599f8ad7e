/** The number of a validation image, 1 to 50,000, from its name; undefined when it isn't named so. */
export function validationNumber(name: string): number | undefined {
  const digits = /(?:^|\/)ILSVRC2012_val_(\d{8})\.\w+$/.exec(name)?.[1];
  const number = Number(digits);
  return digits && number >= 1 && number <= 50_000 ? number : undefined;
}

/** The WordNet id that a training image's name begins with (`n01440764_10026.JPEG`). */
export const trainingWnid = (name: string): string | undefined =>
  /(?:^|\/)(n\d{8})_\d+\.\w+$/.exec(name)?.[1];
