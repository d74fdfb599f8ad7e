import type { Decoder } from './decoder.ts';
import { fbresnet } from './fbresnet.ts';
import type { Size } from './geometry.ts';
import { inception } from './inception.ts';
import type { Plan, Recipe } from './recipe.ts';
import { robustbenchBicubic } from './robustbench-bicubic.ts';
import { sharpDecoder } from './sharp.ts';
import { torchvision } from './torchvision.ts';
import { wasmDecoder } from './wasm.ts';

/**
 * One image: encoded bytes to float32 `[height, width, 3]` in the pixel box [0, 1], written into `into`.
 *
 * @param draws - uniform numbers in [0, 1) for the training form, as many as `Preprocessing.draws`; the same
 *   draws make the same crop. Without them, the evaluation form
 * @throws an error that says what is wrong with the bytes (empty, no image, truncated, …), and RangeError when
 *   `into` or `draws` has another length or a draw is out of range; `into` is then not written to
 */
export type Preprocess = (
  bytes: Uint8Array,
  into: Float32Array,
  draws?: Float64Array,
) => Promise<void>;

const recipes = {
  torchvision,
  'robustbench-bicubic': robustbenchBicubic,
  fbresnet,
  inception,
} satisfies Record<string, Recipe>;

/** Named after the code whose numbers it reproduces. */
export type PreprocessingName = keyof typeof recipes;

export const preprocessingNames = Object.keys(recipes) as PreprocessingName[];

/** The named decoder; without a name sharp, and where it can't be loaded the other. */
function openDecoder(name?: Decoder['name']): Promise<Decoder> {
  if (name === 'sharp') return sharpDecoder();
  if (name === 'wasm') return wasmDecoder();
  if (name !== undefined) {
    throw new RangeError(`preprocessing: decoder is sharp or wasm; got "${name}".`);
  }
  return sharpDecoder().catch(wasmDecoder);
}

export interface Preprocessing {
  readonly preprocess: Preprocess;
  /** How many uniform numbers the training form takes. */
  readonly draws: number;
  readonly outputShape: readonly [height: number, width: number, channels: 3];
  /** The decoder in use. */
  readonly decoder: Decoder['name'];
}

/**
 * Decoding and preprocessing by name: whole images for evaluation, random crops for training.
 *
 * @param options.size - the edge of the square output in pixels, default 224. What comes before a centre crop is
 *   scaled with it (256 for 224)
 * @param options.decoder - default sharp where it is installed, else wasm: the same pixels, but for CMYK
 * @throws RangeError for an unknown name or a size that is no whole number from 1; an error that says how to
 *   install a decoder that is missing
 */
export async function preprocessing({
  name,
  size = 224,
  decoder,
}: {
  name: PreprocessingName;
  size?: number;
  decoder?: Decoder['name'];
}): Promise<Preprocessing> {
  if (!Object.hasOwn(recipes, name)) {
    throw new RangeError(
      `preprocessing: there is no "${name}"; there are ${preprocessingNames.join(', ')}.`,
    );
  }
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(`preprocessing: size is a whole number of pixels from 1; got ${size}.`);
  }
  const recipe: Recipe = recipes[name];
  const chosen = await openDecoder(decoder);
  return {
    preprocess: preprocess(recipe, chosen, size),
    draws: recipe.draws,
    outputShape: [size, size, 3],
    decoder: chosen.name,
  };
}

const preprocess =
  (recipe: Recipe, decoder: Decoder, size: number): Preprocess =>
  async (bytes, into, draws) => {
    checkLength('into', into.length, size * size * 3);
    if (draws) checkDraws(draws, recipe.draws);
    const planOf = (image: Size): Plan =>
      draws ? recipe.training(image, size, draws) : recipe.evaluation(image, size);
    let plan: Plan | undefined;
    const region = await decoder.decode(bytes, (image) => {
      plan = planOf(image);
      return plan.box;
    });
    plan!.resize(region, plan!, into);
  };

function checkDraws(draws: Float64Array, expected: number): void {
  checkLength('draws', draws.length, expected);
  const wrong = draws.findIndex((draw) => !(draw >= 0 && draw < 1));
  if (wrong === -1) return;
  throw new RangeError(
    `preprocess: draws are numbers in [0, 1); number ${wrong} is ${draws[wrong]}.`,
  );
}

function checkLength(what: string, length: number, expected: number): void {
  if (length === expected) return;
  throw new RangeError(`preprocess: ${what} must have ${expected} numbers; it has ${length}.`);
}
