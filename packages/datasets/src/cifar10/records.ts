/** A label byte, then 1024 red, 1024 green and 1024 blue bytes, each plane row by row. */
export const bytesPerRecord = 3073;

const pixels = 32 * 32;
const classes = 10;

/**
 * Decodes records of CIFAR-10's binary version, planes (CHW) becoming interleaved channels (HWC).
 *
 * @param records - whole records
 * @param file - for the error
 * @param images - `[n, 32, 32, 3]`, written to
 * @param labels - `[n]`, written to
 * @throws when a label is above 9, naming the file and the record
 */
export function decodeRecords(
  records: Uint8Array,
  file: string,
  images: Uint8Array,
  labels: Uint8Array,
): void {
  const count = records.length / bytesPerRecord;
  for (let record = 0; record < count; record++) {
    const start = record * bytesPerRecord;
    const label = records[start]!;
    if (label >= classes) {
      throw new Error(
        `${file} is damaged or not CIFAR-10: record ${record} (counted from 0) has the label ${label}, above 9.`,
      );
    }
    labels[record] = label;
    for (let channel = 0; channel < 3; channel++) {
      const plane = start + 1 + channel * pixels;
      const image = record * pixels * 3 + channel;
      for (let pixel = 0; pixel < pixels; pixel++) {
        images[image + pixel * 3] = records[plane + pixel]!;
      }
    }
  }
}
