import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { rasterize } from '../src/index.ts';

const svg = (content: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" width="40" height="20">${content}</svg>`;

/** Red, green and blue of a pixel. */
async function pixelsOf(content: string, scale: number) {
  const { width, height, data, channels } = decode(await rasterize(svg(content), scale));
  const at = (x: number, y: number) => [
    ...data.slice(channels * (y * width + x), channels * (y * width + x) + 3),
  ];
  return { width, height, at, data };
}

describe('rasterize', () => {
  it('draws on white, so many pixels for a unit', async () => {
    const { width, height, at } = await pixelsOf(
      '<rect x="10" width="10" height="20" fill="#ff8000"/>',
      3,
    );
    expect([width, height]).toEqual([120, 60]);
    expect([at(29, 30), at(30, 30), at(59, 30), at(60, 30)]).toEqual([
      [255, 255, 255],
      [255, 128, 0],
      [255, 128, 0],
      [255, 255, 255],
    ]);
  });

  it('draws the symbols of the formulas, each its own', async () => {
    const drawn = new Set<string>();
    for (const symbol of ['√', 'γ', 'ε', 'δ', 'ℓ', '∇', 'ₓ', 'ᵀ', '≤', '−', '✗', '✓']) {
      const { data } = await pixelsOf(
        `<text x="4" y="16" font-size="16" font-family="sans-serif">${symbol}</text>`,
        1,
      );
      expect(data.some((value) => value < 128)).toBe(true);
      drawn.add(Buffer.from(data).toString('base64'));
    }
    // A symbol that the font lacks would be the same box as another one.
    expect(drawn.size).toBe(12);
  });

  it('refuses what is no SVG', async () => {
    await expect(rasterize('<p>Hello</p>')).rejects.toThrow();
  });
});
