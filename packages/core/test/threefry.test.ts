import fc from 'fast-check';
import { expect, test } from 'vitest';
import { threefry2x32 } from '../src/threefry.ts';

const words = (...input: [number, number, number, number]) => {
  const out = new Uint32Array(2);
  threefry2x32(...input, out);
  return Array.from(out, (word) => word.toString(16).padStart(8, '0')).join(' ');
};

// Random123's kat_vectors for threefry2x32 with 20 rounds.
test.each([
  [[0, 0, 0, 0], '6b200159 99ba4efe'],
  [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], '1cb996fc bb002be7'],
  [[0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3], 'c4923a9c 483df7a0'],
] as const)('known answer for %j', ([key0, key1, counter0, counter1], answer) => {
  expect(words(key0, key1, counter0, counter1)).toBe(answer);
});

test('is a bijection of the counter: neighbours never collide', () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(word, word, word, (key0, key1, counter) => {
      const seen = [0, 1, 2, 3].map((by) => words(key0, key1, (counter + by) >>> 0, 0));
      expect(new Set(seen).size).toBe(4);
    }),
  );
});
