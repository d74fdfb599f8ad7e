import { type Compressors, type FileMetaData, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetFooter } from '../parquet-footer.ts';
import { bytesPerImage, type Examples, emptyExamples, setLabel } from './examples.ts';
import { decodePng } from './png.ts';
import { officialSize, type Variant } from './variants.ts';

/** PNGs of 32 × 32 have some 2,500 bytes. */
const longestImage = 2 ** 16;

/** A page of such images; pyarrow's have 1 MB. */
const longestPage = 2 ** 28;

/**
 * Decodes a parquet file as Hugging Face publishes CIFAR: a column `img` (or `image`) of
 * `struct<bytes, path>` with PNGs, and an int64 column for each label.
 *
 * @param file - for the error
 * @throws when it is no such file, a PNG is damaged (its checksums are compared) or not 32 × 32 RGB, or a
 *   label is out of range
 */
export async function decodeParquet(
  bytes: Uint8Array,
  file: string,
  variant: Variant,
): Promise<Examples> {
  const wrong = (what: string, cause?: unknown) =>
    new Error(`${file} is damaged or not ${variant.title}: ${what}.`, { cause });
  const { buffer, byteOffset, byteLength } = bytes;
  const source = {
    byteLength,
    slice: (start: number, end = byteLength) =>
      buffer.slice(byteOffset + start, byteOffset + end) as ArrayBuffer,
  };
  let metadata: FileMetaData;
  try {
    metadata = await parquetFooter(source);
  } catch (cause) {
    throw wrong((cause as Error).message, cause);
  }
  const count = Number(metadata.num_rows);
  if (!(count > 0 && count <= officialSize.train)) throw wrong(`it has ${count} rows`);
  const names = metadata.schema.map(({ name }) => name);
  const image = ['img', 'image'].find((name) => names.includes(name));
  const columns = [image ?? 'img', ...variant.fields.map(({ column }) => column)];
  for (const column of columns) {
    if (!names.includes(column)) throw wrong(`it has no column '${column}'`);
  }
  const examples = emptyExamples(variant, count);
  let index = 0;
  // One group of rows at a time, so that their PNGs aren't all in memory as objects.
  for (const { num_rows } of metadata.row_groups) {
    const options = { rowStart: index, rowEnd: index + Number(num_rows), columns };
    let rows: Record<string, unknown>[];
    try {
      rows = await parquetReadObjects({
        file: source,
        metadata,
        utf8: false,
        compressors: withinBounds,
        ...options,
      });
    } catch (cause) {
      throw wrong((cause as Error).message, cause);
    }
    for (const row of rows) {
      if (index === count) throw wrong('it has more rows than it says');
      variant.fields.forEach(({ column }, field) => {
        const label = row[column];
        setLabel(
          examples,
          variant,
          field,
          index,
          typeof label === 'bigint' ? Number(label) : label,
          file,
        );
      });
      try {
        decodeImage(
          row[columns[0]!],
          examples.images.subarray(index * bytesPerImage, (index + 1) * bytesPerImage),
        );
      } catch (cause) {
        throw wrong(
          `the image of row ${index} (counted from 0): ${(cause as Error).message}`,
          cause,
        );
      }
      index++;
    }
  }
  if (index !== count) throw wrong(`it says that it has ${count} rows, but has ${index}`);
  return examples;
}

/**
 * @param into - its pixels, HWC
 * @throws when it is no PNG of 32 × 32 RGB pixels
 */
function decodeImage(cell: unknown, into: Uint8Array): void {
  const png = (cell as { bytes?: unknown } | null | undefined)?.bytes;
  if (!(png instanceof Uint8Array)) throw new Error('there are no bytes');
  if (png.length > longestImage) throw new Error(`${png.length} bytes are too many`);
  decodePng(png, into);
}

/** With the declared sizes checked before anything is allocated. */
const withinBounds: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, length: number) => decompress(input, pageLength(length)),
  ]),
);

function pageLength(length: number): number {
  if (length >= 0 && length <= longestPage) return length;
  throw new Error(`a page of ${length} bytes`);
}
