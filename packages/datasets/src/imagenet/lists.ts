import { brotliDecompressSync } from 'node:zlib';

/** What is known of ILSVRC2012 beside its images. */
export interface ImageNetLists {
  /** The 1,000 WordNet ids, sorted: a class's label is its place here. */
  readonly wnids: readonly string[];
  /** The label of each WordNet id. */
  readonly labelOf: ReadonlyMap<string, number>;
  /** A name for each label (those of torchvision). */
  readonly classNames: readonly string[];
  /** `[50000]`: the labels of ILSVRC2012_val_00000001 to ILSVRC2012_val_00050000. */
  readonly validationLabels: Uint16Array;
}

let lists: ImageNetLists | undefined;

/**
 * The classes and validation labels of ILSVRC2012, loaded when first asked for.
 *
 * Sources: tensorflow-datasets (ids and labels), torchvision (names); see NOTICE.md.
 */
export async function imageNetLists(): Promise<ImageNetLists> {
  if (lists) return lists;
  const packed = await import('./packed-lists.ts');
  const wnids = linesOf(packed.packedClasses);
  const labels = unpacked(packed.packedValidationLabels);
  lists = {
    wnids,
    labelOf: new Map(wnids.map((wnid, label) => [wnid, label])),
    classNames: linesOf(packed.packedNames),
    validationLabels: Uint16Array.from({ length: labels.length / 2 }, (_, i) =>
      labels.readUInt16LE(2 * i),
    ),
  };
  return lists;
}

const unpacked = (base64: string) => brotliDecompressSync(Buffer.from(base64, 'base64'));
const linesOf = (base64: string) => unpacked(base64).toString().split('\n');
