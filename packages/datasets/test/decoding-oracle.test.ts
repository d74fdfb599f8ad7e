import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type PreprocessingName, preprocessing } from '@llr/datasets';
import { describe, expect, it } from 'vitest';
import { wholeOf } from '../src/decoding/geometry.ts';
import type { Region } from '../src/decoding/resize.ts';
import { sharpDecoder } from '../src/decoding/sharp.ts';
import { wasmDecoder } from '../src/decoding/wasm.ts';

/** Values at places spread over the image, and of bytes a hash of them all. See tools/oracle. */
interface Sampled {
  samples: number[];
  sha256?: string;
}

interface Case extends Sampled {
  preprocessing: PreprocessingName;
  image: string;
  draws?: number[];
}

const folder = new URL('fixtures/images/', import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, folder));
const expected = JSON.parse(fixture('expected.json').toString()) as {
  decoded: Record<string, Sampled & { width: number; height: number }>;
  cases: Case[];
};

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The largest difference at the sampled places. */
function distance(found: ArrayLike<number>, { samples }: Sampled): number {
  const differences = samples.map((value, i) =>
    Math.abs(found[(i * 7919 * 3 + (i % 3)) % found.length]! - value),
  );
  return Math.max(...differences);
}

function pixelsOf({ data, width, height, stride, channels, offset }: Region): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const row = offset + Math.floor(pixel / width) * stride;
    return data[row + (pixel % width) * channels + (i % 3)]!;
  });
}

describe.each(Object.entries({ sharp: sharpDecoder, wasm: wasmDecoder }))(
  '%s decodes as Pillow does',
  (name, open) => {
    const names = Object.keys(expected.decoded);
    const known = name === 'sharp' ? names : names.filter((image) => image !== 'gif-named.JPEG');

    it.each(known)('%s', async (image) => {
      const decoder = await open();
      const pixels = pixelsOf(await decoder.decode(fixture(image), wholeOf));
      const wanted = expected.decoded[image]!;
      expect(pixels.length).toBe(wanted.width * wanted.height * 3);
      // Its decoder of CMYK has another inverse cosine transform.
      const isExact = !(name === 'wasm' && ['cmyk.jpg', 'ycck.jpg'].includes(image));
      expect(distance(pixels, wanted)).toBeLessThanOrEqual(isExact ? 0 : 3);
      if (isExact) expect(hashOf(pixels)).toBe(wanted.sha256);
    });
  },
);

/** Whole images agree to the bit, but for one of 9 rows that OpenCV enlarges 28 times, in float32. */
const isExact = ({ preprocessing, image }: Case) =>
  !(preprocessing === 'fbresnet' && image === 'strip.jpg');

const title = ({ preprocessing, image, draws }: Case) =>
  `${preprocessing}, ${draws ? 'training' : 'evaluation'}, ${image}`;

describe.each(['sharp', 'wasm'] as const)(
  'Preprocessed with %s, as the original does',
  (decoder) => {
    it.each(expected.cases.map((wanted) => [title(wanted), wanted] as const))(
      '%s',
      async (_, wanted) => {
        const { preprocess, outputShape } = await preprocessing({
          name: wanted.preprocessing,
          decoder,
        });
        const [h, w, c] = outputShape;
        const values = new Float32Array(h * w * c).fill(Number.NaN);
        await preprocess(
          fixture(wanted.image),
          values,
          wanted.draws && Float64Array.from(wanted.draws),
        );
        if (wanted.preprocessing === 'inception') {
          expect(distance(values, wanted)).toBeLessThan(3e-7);
          return;
        }
        const bytes = Uint8Array.from(values, (value) => Math.round(value * 255));
        // Every value is a byte's, as float32; `toEqual` takes a second for so many.
        expect(values.every((value, i) => value === Math.fround(bytes[i]! / 255))).toBe(true);
        expect(distance(bytes, wanted)).toBeLessThanOrEqual(isExact(wanted) ? 0 : 1);
        if (isExact(wanted)) expect(hashOf(bytes)).toBe(wanted.sha256);
      },
    );
  },
);
