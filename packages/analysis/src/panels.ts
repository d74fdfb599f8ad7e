import { encode } from 'fast-png';

/** One attacked image, drawn (Figs. F2, F4). */
export interface Panel {
  /** Which image of the source. */
  index: number;
  height: number;
  width: number;
  /** ε: the size of a change that is drawn black or white, in pixel units. */
  epsilon: number;
  /** Class names. */
  label: string;
  prediction: string;
  adversarialPrediction: string;
  /** PNG files as data URIs. In `perturbation`, mid-grey is no change. */
  images: { original: string; adversarial: string; perturbation: string };
}

/** An image and what an attack made of it, as plain numbers. */
export interface AttackedImage {
  index: number;
  /** h·w·c numbers in [0, 1]. */
  image: ArrayLike<number>;
  /** δ: h·w·c numbers, with image + δ in [0, 1]. */
  perturbation: ArrayLike<number>;
  /** Classes, as numbers. */
  label: number;
  prediction: number;
  adversarialPrediction: number;
}

/**
 * Draws attacked images: original, adversarial image, and the perturbation scaled so that −ε is black, 0
 * mid-grey and ε white, for each colour channel.
 *
 * @param input.inputShape - height, width, and 1 channel (grey) or 3 (RGB)
 * @param input.epsilon - the threat model's ε, in pixel units
 * @throws RangeError when an image, a perturbation or a class doesn't fit
 */
export function panels(input: {
  inputShape: readonly [height: number, width: number, channels: number];
  classNames: readonly string[];
  epsilon: number;
  examples: readonly AttackedImage[];
}): Panel[] {
  const { inputShape, classNames, epsilon, examples } = input;
  const [height, width, channels] = inputShape;
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(`Images of 1 or 3 channels can be drawn; these have ${channels}.`);
  }
  if (!(epsilon > 0)) throw new RangeError(`ε must be above 0; got ${epsilon}.`);
  const draw = (levels: Float64Array) =>
    pngDataUri({ width, height, channels, data: Uint8Array.from(levels, grey) });
  return examples.map((example) => {
    const { index } = example;
    const image = checked(example.image, inputShape, [0, 1], `Image ${index}`);
    const delta = checked(
      example.perturbation,
      inputShape,
      [-epsilon, epsilon],
      `The perturbation of image ${index}`,
    );
    const adversarial = checked(
      image.map((pixel, i) => pixel + delta[i]!),
      inputShape,
      [0, 1],
      `The adversarial image ${index}`,
    );
    const named = (label: number) => classNames[label] ?? unknownClass(label, index, classNames);
    return {
      index,
      height,
      width,
      epsilon,
      label: named(example.label),
      prediction: named(example.prediction),
      adversarialPrediction: named(example.adversarialPrediction),
      images: {
        original: draw(image),
        adversarial: draw(adversarial),
        perturbation: draw(delta.map((change) => 0.5 + change / (2 * epsilon))),
      },
    };
  });
}

/** [0, 1] to 0 … 255. */
const grey = (level: number) => Math.round(255 * Math.min(1, Math.max(0, level)));

function pngDataUri(image: Parameters<typeof encode>[0]): string {
  return `data:image/png;base64,${Buffer.from(encode(image)).toString('base64')}`;
}

function checked(
  numbers: ArrayLike<number>,
  inputShape: readonly number[],
  [low, high]: readonly [number, number],
  what: string,
): Float64Array {
  const expected = inputShape.reduce((product, n) => product * n, 1);
  if (numbers.length !== expected) {
    throw new RangeError(
      `${what} has ${numbers.length} numbers; ${inputShape.join(' × ')} takes ${expected}.`,
    );
  }
  // As much as float32 arithmetic may be over.
  const slack = 1e-5;
  const values = Float64Array.from(numbers);
  const bad = values.findIndex((value) => !(value >= low - slack && value <= high + slack));
  if (bad >= 0) {
    throw new RangeError(`${what} has ${values[bad]} at ${bad}, outside [${low}, ${high}].`);
  }
  return values;
}

function unknownClass(label: number, index: number, classNames: readonly string[]): never {
  throw new RangeError(
    `Image ${index} has the class ${label}, but there are names for 0 to ${classNames.length - 1}.`,
  );
}
