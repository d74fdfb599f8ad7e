const guide = 'https://github.com/llr-robustness/llr/blob/main/docs/weights.md';
const convert = `Convert it to safetensors by three lines of Python: ${guide}`;

const formats: readonly { start: string; is: string }[] = [
  { start: 'PK\x03\x04', is: `a zip archive, as PyTorch's torch.save writes. ${convert}` },
  { start: '\x80', is: `a Python pickle, as PyTorch's torch.save writes. ${convert}` },
  { start: '\x89HDF', is: `an HDF5 file. ${convert}` },
  { start: 'version ', is: 'a Git LFS pointer, not the file itself: run git lfs pull.' },
];

/**
 * Recognises files of weights that are no safetensors by their first bytes.
 *
 * @param start - the first 8 bytes
 * @throws an error that says what the file is and what to do
 */
export function refuseOtherFormats(start: Uint8Array, file: string): void {
  // The upper half of a safetensors header's length is 0; none of the other formats has that.
  if (start.subarray(4).every((byte) => byte === 0)) return;
  const text = String.fromCharCode(...start);
  const found = formats.find((format) => text.startsWith(format.start));
  if (found) throw new Error(`${file} is ${found.is}`);
}
