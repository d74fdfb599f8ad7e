import fc from 'fast-check';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { decodePng } from '../src/cifar/png.ts';

/** An image whose neighbouring pixels are alike where `smooth` is small, so that every filter is of use. */
const image = (seed: number, smooth: number) =>
  Uint8Array.from({ length: 3072 }, (_, i) => (i * smooth + ((i * i * seed) % 251)) % 256);

/** Written by pngjs, all rows with one filter. */
function png(pixels: Uint8Array, filter: number): Buffer {
  const picture = new PNG({ width: 32, height: 32, filterType: filter });
  for (let i = 0; i < 1024; i++) {
    picture.data.set([...pixels.subarray(i * 3, i * 3 + 3), 255], i * 4);
  }
  return PNG.sync.write(picture, { colorType: 2, filterType: filter });
}

function decoded(bytes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(3072);
  decodePng(bytes, pixels);
  return pixels;
}

describe('decodePng', () => {
  it('reads what pngjs wrote, with every filter', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(7), fc.nat(4), (seed, smooth, filter) => {
        const pixels = image(seed, smooth);
        expect(decoded(png(pixels, filter))).toEqual(pixels);
      }),
    );
  });

  it('takes none with any byte changed, added in between or cut off', () => {
    const whole = png(image(3, 2), 4);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(whole);
        changed[at]! ^= change;
        expect(() => decoded(changed)).toThrow();
        expect(() => decoded(whole.subarray(0, at))).toThrow();
      }),
    );
  });
});
