import { bytesPerImage, type Examples, emptyExamples, interleave, setLabel } from './examples.ts';
import type { Variant } from './variants.ts';

/**
 * Decodes a file of the binary version: records of one byte for each label (CIFAR-100: coarse, then fine),
 * then 1024 red, 1024 green and 1024 blue bytes, each plane row by row.
 *
 * @param file - for the error
 * @throws when the bytes are not whole records, or a label is out of range
 */
export function decodeBinary(bytes: Uint8Array, file: string, variant: Variant): Examples {
  const head = variant.fields.length;
  const bytesPerRecord = head + bytesPerImage;
  if (bytes.length === 0 || bytes.length % bytesPerRecord !== 0) {
    throw new Error(
      `${file} is truncated or not ${variant.title}: ${bytes.length.toLocaleString('en')} bytes are not whole records of ${bytesPerRecord}.`,
    );
  }
  const examples = emptyExamples(variant, bytes.length / bytesPerRecord);
  for (let record = 0; record < examples.count; record++) {
    const start = record * bytesPerRecord;
    for (let field = 0; field < head; field++) {
      setLabel(examples, variant, field, record, bytes[start + field], file);
    }
    interleave(bytes, start + head, examples, record);
  }
  return examples;
}
