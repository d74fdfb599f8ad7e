// Makes packages/datasets/src/imagenet/packed-lists.ts: the classes of ILSVRC2012, their names, and the
// labels of the 50,000 validation images.
//
//   pip download --no-deps tensorflow-datasets==4.9.10 torchvision==0.29.2, each unpacked (a wheel is a zip)
//   node tools/make-imagenet-lists.mjs TENSORFLOW_DATASETS TORCHVISION    the two unpacked folders
//
// TENSORFLOW_DATASETS (Apache-2.0): tensorflow_datasets/datasets/imagenet2012/{labels,validation_labels}.txt
// TORCHVISION (BSD-3-Clause): torchvision/models/_meta.py, _IMAGENET_CATEGORIES
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const [datasets, torchvision] = process.argv.slice(2);
if (!torchvision) {
  console.error('Usage: node tools/make-imagenet-lists.mjs TENSORFLOW_DATASETS TORCHVISION');
  process.exit(2);
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const listed = (file) =>
  readFileSync(join(datasets, 'tensorflow_datasets/datasets/imagenet2012', file), 'utf8')
    .trim()
    .split('\n');

const classes = listed('labels.txt');
expect(classes.length === 1000 && classes.join() === [...classes].sort().join(), 'labels.txt');
const names = categories(readFileSync(join(torchvision, 'torchvision/models/_meta.py'), 'utf8'));
expect(new Set(names).size === 1000, '_meta.py');
const labels = Uint16Array.from(listed('validation_labels.txt'), (wnid) => classes.indexOf(wnid));
const counts = new Int32Array(1000);
for (const label of labels) counts[label]++;
expect(labels.length === 50_000 && counts.every((n) => n === 50), 'validation_labels.txt');
expect(labels.subarray(0, 5).join() === '65,970,230,809,516', 'validation_labels.txt');

const text = `// Made by tools/make-imagenet-lists.mjs; sources and licences: NOTICE.md beside this file.

/** The 1,000 WordNet ids of ILSVRC2012, sorted, one a line: brotli in base64. */
export const packedClasses =
  '${packed(Buffer.from(classes.join('\n')))}';

/** A name for each, in the same order. */
export const packedNames =
  '${packed(Buffer.from(names.join('\n')))}';

/** The labels of ILSVRC2012_val_00000001 to 00050000, uint16, little-endian. */
export const packedValidationLabels =
  '${packed(Buffer.from(labels.buffer))}';
`;
const target = fileURLToPath(
  new URL('../packages/datasets/src/imagenet/packed-lists.ts', import.meta.url),
);
writeFileSync(`${target}.part`, text);
renameSync(`${target}.part`, target);
console.log(`${target}: ${text.length} bytes, sha256 ${sha256(text)}`);

/** The strings of the Python list _IMAGENET_CATEGORIES. */
function categories(source) {
  const list = /_IMAGENET_CATEGORIES = \[\n([^\]]*)\n\]/.exec(source)?.[1] ?? '';
  return list.split('\n').map((line) => JSON.parse(line.trim().replace(/,$/, '')));
}

function packed(bytes) {
  return brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
  }).toString('base64');
}

function expect(holds, file) {
  if (!holds) throw new Error(`${file} is not as expected: another version?`);
}
