// Makes packages/fashion-mnist/data/ from the four original files of Fashion-MNIST (Xiao et al. 2017,
// https://github.com/zalandoresearch/fashion-mnist): the first 20,000 training images and all 10,000 test
// images, raw bytes without the IDX header, brotli at its highest quality.
//
//   node tools/make-fashion-mnist.mjs FOLDER    FOLDER holds the *-ubyte.gz files; takes two minutes
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gunzipSync } from 'node:zlib';

const splits = [
  {
    name: 'train',
    count: 20_000,
    images: {
      file: 'train-images-idx3-ubyte.gz',
      sha256: 'b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7',
    },
    labels: {
      file: 'train-labels-idx1-ubyte.gz',
      sha256: '0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056',
    },
  },
  {
    name: 'test',
    count: 10_000,
    images: {
      file: 't10k-images-idx3-ubyte.gz',
      sha256: 'cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa',
    },
    labels: {
      file: 't10k-labels-idx1-ubyte.gz',
      sha256: '8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05',
    },
  },
];

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const folder = process.argv[2];
if (!folder) {
  console.error('Usage: node tools/make-fashion-mnist.mjs FOLDER   (of the four *-ubyte.gz files)');
  process.exit(2);
}
const target = fileURLToPath(new URL('../packages/fashion-mnist/data/', import.meta.url));
mkdirSync(target, { recursive: true });

for (const { name, count, images, labels } of splits) {
  write(`${name}-images.br`, readIdx(images, [28, 28], count));
  write(`${name}-labels.br`, readIdx(labels, [], count));
}

/** The first `count` items of an IDX file of unsigned bytes, whose items have the given dimensions. */
function readIdx({ file, sha256: expected }, dimensions, count) {
  const packed = readFileSync(join(folder, file));
  const found = sha256(packed);
  if (found !== expected) {
    throw new Error(`${file} is not the original: its sha256 is ${found}, not ${expected}.`);
  }
  const bytes = gunzipSync(packed);
  // Magic number: two zero bytes, 8 for unsigned bytes, the number of dimensions; then each dimension.
  const rank = 1 + dimensions.length;
  const header = Array.from({ length: 1 + rank }, (_, i) => bytes.readUInt32BE(4 * i));
  const item = dimensions.reduce((product, n) => product * n, 1);
  const isIdx = header[0] === 0x800 + rank && dimensions.every((n, i) => header[2 + i] === n);
  if (!isIdx || header[1] < count)
    throw new Error(`${file} has an unexpected IDX header: ${header}.`);
  const start = 4 * header.length;
  return bytes.subarray(start, start + count * item);
}

function write(file, bytes) {
  const packed = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  const path = join(target, file);
  writeFileSync(`${path}.part`, packed);
  renameSync(`${path}.part`, path);
  console.log(
    `${file}: ${bytes.length} -> ${packed.length} bytes, sha256 ${sha256(bytes)} unpacked`,
  );
}
