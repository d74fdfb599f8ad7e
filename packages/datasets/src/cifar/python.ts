import { bytesPerImage, type Examples, emptyExamples, interleave, setLabel } from './examples.ts';
import { ArrayBox, type NumpyArray, type Pickled, unpickle } from './unpickle.ts';
import type { Variant } from './variants.ts';

/**
 * Decodes a file of the Python version: a pickled dict with `data`, a numpy array `[n, 3072]` of bytes whose
 * rows are laid out as in the binary version, and a list of labels for each label field. See `unpickle` for
 * what of a pickle is understood; nothing of it is run.
 *
 * @param file - for the error
 * @throws when it is no such pickle, or a label is out of range
 */
export function decodePython(bytes: Uint8Array, file: string, variant: Variant): Examples {
  const wrong = (what: string, cause?: unknown) =>
    new Error(
      `${file} is damaged or not a batch of ${variant.title}: ${what}.`,
      cause === undefined ? {} : { cause },
    );
  let batch: Pickled;
  try {
    batch = unpickle(bytes);
  } catch (cause) {
    throw wrong((cause as Error).message, cause);
  }
  if (!(batch instanceof Map)) throw wrong('the pickle holds no dict');
  const data = imagesOf(batch);
  if (!data) throw wrong(`its 'data' are not an array of bytes, [n, ${bytesPerImage}]`);
  const count = data.shape[0]!;
  const lists = variant.fields.map(({ key }) => {
    const list = batch.get(key);
    if (!Array.isArray(list)) throw wrong(`it has no list '${key}'`);
    if (list.length !== count) throw wrong(`${count} images, but ${list.length} '${key}'`);
    return list;
  });
  if (count === 0) throw wrong('it has no images');
  const examples = emptyExamples(variant, count);
  for (let record = 0; record < count; record++) {
    lists.forEach((list, field) => {
      setLabel(examples, variant, field, record, list[record], file);
    });
    interleave(data.data, record * bytesPerImage, examples, record);
  }
  return examples;
}

function imagesOf(batch: Map<string, Pickled>): NumpyArray | undefined {
  const data = batch.get('data');
  const array = data instanceof ArrayBox ? data.value : undefined;
  const fits = array?.type === 'u1' && array.shape.length === 2 && array.shape[1] === bytesPerImage;
  return fits ? array : undefined;
}
