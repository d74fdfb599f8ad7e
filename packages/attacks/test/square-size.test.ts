import { expect, test } from 'vitest';
import { etaPattern } from '../src/square/eta-pattern.ts';
import { l2Sides, linfSides, shareOfPixels, sizeLevel } from '../src/square/square-size.ts';

// Before which query (counted from 0) AutoAttack's p_selection halves p.
test.each([
  [5000, [6, 26, 101, 251, 501, 1001, 2001, 3001, 4001]],
  [10_000, [11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001]],
  [1000, [2, 6, 21, 51, 101, 201, 401, 601, 801]],
  [300, [1, 2, 7, 16, 31, 61, 121, 181, 241]],
  // Two at once, before query 1.
  [100, [1, 1, 3, 6, 11, 21, 41, 61, 81]],
])(
  'the share of pixels in a square is halved as in the reference, of %i queries',
  (budget, halved) => {
    for (let query = 0; query < budget; query++) {
      const times = halved.filter((from) => query >= from).length;
      expect(sizeLevel(query, budget), `query ${query}`).toBe(times);
    }
    expect(shareOfPixels(0)).toBe(0.8);
    expect(shareOfPixels(9)).toBe(0.8 / 512);
  },
);

// max(round(sqrt(p·h·w)), 1), and in ℓ2 max(round(sqrt(p·h·w)), 3) made odd: AutoAttack's for its ten values of p.
test.each([
  [28, [25, 18, 13, 9, 6, 4, 3, 2, 2, 1], [25, 19, 13, 9, 7, 5, 3, 3, 3, 3]],
  [32, [29, 20, 14, 10, 7, 5, 4, 3, 2, 1], [29, 21, 15, 11, 7, 5, 5, 3, 3, 3]],
  [224, [200, 142, 100, 71, 50, 35, 25, 18, 13, 9], [201, 143, 101, 71, 51, 35, 25, 19, 13, 9]],
])('squares on images of %i pixels a side are those of the reference', (extent, linf, l2) => {
  expect(linfSides(extent, extent)).toEqual(linf);
  expect(l2Sides(extent, extent)).toEqual(l2);
});

test('a square is never larger than the image, however narrow it is', () => {
  expect(Math.max(...linfSides(2, 50))).toBe(2);
  expect(Math.max(...l2Sides(50, 2))).toBe(2);
  expect(linfSides(1, 1)).toEqual(Array(10).fill(1));
  expect(l2Sides(1, 1)).toEqual(Array(10).fill(1));
});

// Of the authors' meta_pseudo_gaussian_pert.
test.each([
  [
    2,
    [
      [0.138675, 0.693375],
      [-0.138675, -0.693375],
    ],
  ],
  [
    3,
    [
      [0.136083, 0.680414, 0.136083],
      [-0.129099, -0.129099, -0.129099],
      [-0.129099, -0.645497, -0.129099],
    ],
  ],
  [
    5,
    [
      [0.049162, 0.159777, 0.159777, 0.159777, 0.049162],
      [0.049162, 0.159777, 0.602237, 0.159777, 0.049162],
      [-0.04559, -0.148168, -0.148168, -0.148168, -0.04559],
      [-0.04559, -0.148168, -0.558479, -0.148168, -0.04559],
      [-0.04559, -0.148168, -0.148168, -0.148168, -0.04559],
    ],
  ],
])("the pattern η of side %i is the authors'", (side, expected) => {
  const found = etaPattern(side);
  expect(found).toHaveLength(side * side);
  expected.flat().forEach((value, at) => {
    expect(found[at]).toBeCloseTo(value, 6);
  });
});

test("the pattern η of side 29 is the authors', and of norm 1", () => {
  const found = etaPattern(29);
  const known: [row: number, column: number, value: number][] = [
    [0, 0, 0.0009851],
    [7, 14, 0.3503151],
    [13, 28, 0.0009851],
    [14, 14, -0.0151534],
    [21, 14, -0.3488919],
    [28, 0, -0.0009811],
  ];
  for (const [row, column, value] of known) {
    expect(found[row * 29 + column]).toBeCloseTo(value, 7);
  }
  for (const side of [1, 2, 7, 29]) {
    expect(etaPattern(side).reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(1, 12);
  }
});
