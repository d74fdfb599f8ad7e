import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import {
  type BoundsReport,
  boundsCsv,
  boundsFigure,
  gammaCsv,
  gammaFigure,
  type LocalLinearityHistogram,
  type LossSurface,
  panels,
  panelsFigure,
  rasterize,
  surfaceCsv,
  surfaceFigure,
} from '../src/index.ts';

const axis = [-2, -1, 0, 1, 2];
const surfaceOf = (f: (u: number, v: number) => number): LossSurface => ({
  adversarial: axis,
  random: axis,
  values: axis.map((v) => axis.map((u) => f(u, v))),
  epsilon: 8 / 255,
  index: 126,
  label: 4,
  loss: 'cross-entropy',
  seed: 0,
});
const histogramOf = (roots: readonly number[]): LocalLinearityHistogram => ({
  threat: { name: 'linf', epsilon: 8 / 255 },
  seed: 0,
  examples: roots.map((root, index) => ({ index, gamma: root ** 2 })),
  sqrtGamma: { mean: 0, quantiles: [] },
});
const boundsOf = (violated: boolean): BoundsReport => ({
  threat: { name: 'linf', epsilon: 0.1 },
  seed: 0,
  examples: [3, 77].map((index) => ({
    index,
    label: 0,
    loss: 1,
    gamma: 1,
    gammaSquaredError: 1,
  })),
  propositions: [
    {
      name: 'Prop. C.2',
      source: 'Appendix C; proof: D.2',
      formula: { left: '|δᵀ∇ₓℓ(x)|', right: '√(2/(yᵀp) · (γ(ε, x) + |ε(δ)|))' },
      loss: 'cross-entropy',
      pairs: [
        { index: 3, perturbation: 'random', left: 0, right: 2, slack: 2, holds: true },
        {
          index: 77,
          perturbation: 'adversarial',
          left: 3,
          right: violated ? 0 : 4,
          slack: violated ? -3 : 1,
          holds: !violated,
        },
      ],
      quantiles: [
        { q: 0, value: violated ? -3 : 1 },
        { q: 0.5, value: 1.5 },
      ],
      violations: violated ? [77] : [],
    },
  ],
});
/** The words of a drawing. */
const wordsOf = (svg: string) =>
  [...svg.matchAll(/<(?:text|title)[^>]*>([^<]*)</g)].map(([, text]) => text!);
/** A strict parser reads it. */
const expectDrawn = async (svg: string) => {
  const { width, height, data } = decode(await rasterize(svg, 1));
  expect(svg).toContain(`width="${width}" height="${height}"`);
  expect(new Set(data).size).toBeGreaterThan(20);
};

describe('surfaceFigure', () => {
  const two = [
    { name: 'a & b <c>', surface: surfaceOf((u, v) => Math.abs(u + v)) },
    { name: 'LLR', surface: surfaceOf((u) => 2 + 0.5 * u) },
  ];

  it('draws networks beside one another, on one scale', async () => {
    const svg = surfaceFigure(two, 'test image 126, deer');
    await expectDrawn(svg);
    const words = wordsOf(svg);
    expect(words).toContain('The loss (cross-entropy) around test image 126, deer');
    expect(words).toContain('a &amp; b &lt;c&gt;');
    expect(words.join(' ')).toContain('in units of ε = 8/255');
    expect(words[0]).toMatch(/a &amp; b &lt;c&gt; from 0 to 4; LLR from 1 to 3\./);
    expect(words.filter((word) => word.includes('x + δ'))).toHaveLength(2);
    expect(surfaceFigure(two, 'test image 126, deer')).toBe(svg);
  });

  it('refuses to draw nothing', () => {
    expect(() => surfaceFigure([])).toThrow(/at least one/);
  });
});

describe('gammaFigure', () => {
  it('says medians, and what is beyond the last bar', async () => {
    const many = Array.from({ length: 200 }, (_, i) => (i % 50) / 50);
    const svg = gammaFigure([
      { name: 'ADV-2', histogram: histogramOf([...many, 7]) },
      { name: 'LLR-2', histogram: histogramOf([0.1, 0.2, 0.3]) },
    ]);
    await expectDrawn(svg);
    const words = wordsOf(svg);
    expect(words).toContain('LLR-2: median 0.2, 95 % below 0.29 (3 images)');
    expect(words).toContain('The last bar also holds what is larger: 1 of 204, up to 7.');
    expect(words[0]).toContain('ADV-2 0.5; LLR-2 0.2');
  });

  it('draws shares that sum to 1: the bars are as high as a hand count', () => {
    const svg = gammaFigure([{ name: 'one', histogram: histogramOf([0.05, 0.05, 0.05, 0.95]) }]);
    const outline = /aria-label="line"[^>]*>\s*<path d="([^"]*)"/.exec(svg)![1]!;
    const points = [...outline.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    const heights = [...new Set(points.map(([, y]) => y!))].sort((a, b) => a - b);
    // 3 of 4, 1 of 4, none.
    expect(heights).toHaveLength(3);
    const [three, one, none] = heights as [number, number, number];
    expect((none - three) / (none - one)).toBeCloseTo(3, 2);
  });
});

describe('boundsFigure', () => {
  it('says that all hold', async () => {
    const svg = boundsFigure('LLR', boundsOf(false));
    await expectDrawn(svg);
    expect(wordsOf(svg)).toContain('No violation among 2 images, at three perturbations each.');
    expect(svg).not.toContain('VIOLATED');
    expect(wordsOf(svg).join(' ')).toContain('At the edges: 1 beyond them.');
  });

  it('shows a violation with its image, also one whose side is 0', async () => {
    const svg = boundsFigure('LLR', boundsOf(true));
    await expectDrawn(svg);
    expect(wordsOf(svg)).toContain('VIOLATED: Prop. C.2 for image 77.');
    expect(wordsOf(svg)).toContain('image 77');
  });
});

describe('panelsFigure', () => {
  const examples = [1, 0].map((adversarialPrediction, index) => ({
    index,
    image: [0, 0, 1, 1],
    perturbation: [0.1, 0, -0.1, 0],
    label: 0,
    prediction: 0,
    adversarialPrediction,
  }));
  const two = panels({
    inputShape: [2, 2, 1],
    classNames: ['dress', 'coat'],
    epsilon: 0.1,
    examples,
  });

  it('draws the original, the adversarial image and the scaled perturbation, in squares', async () => {
    const svg = panelsFigure([{ name: 'LLR', panels: two }], 1);
    const { width, data, channels } = decode(await rasterize(svg, 1));
    const grey = (x: number, row: number) => data[channels * (row * width + x)]!;
    // The first row of images begins where a column of pixels turns black.
    const top = Array.from({ length: 200 }, (_, row) => row).find(
      (row) => grey(20, row) === 0 && grey(120, row) === 0,
    )!;
    const corners = (picture: number) =>
      [
        [28, 28],
        [84, 28],
        [28, 84],
        [84, 84],
      ].map(([x, row]) => grey(16 + picture * 116 + x!, top + row!));
    expect(corners(0)).toEqual([0, 0, 255, 255]);
    expect(corners(1)).toEqual([26, 0, 230, 255]);
    expect(corners(2)).toEqual([255, 128, 0, 128]);
    expect(wordsOf(svg)).toContain('image 0, label: dress');
    expect(svg).toMatch(/fill="#c4121a"[^>]*>coat/);
    expect(svg).not.toMatch(/fill="#c4121a"[^>]*>dress/);
  });

  it('refuses to draw nothing', () => {
    expect(() => panelsFigure([{ name: 'LLR', panels: [] }])).toThrow(/at least one image/);
  });
});

describe('CSV', () => {
  it('has a line for each point of a surface', () => {
    const lines = surfaceCsv(surfaceOf((u, v) => u + 10 * v)).split('\n');
    expect(lines).toHaveLength(1 + 25 + 1);
    expect(lines.slice(0, 3)).toEqual(['adversarial,random,loss', '-2,-2,-22', '-1,-2,-21']);
    expect(lines[25]).toBe('2,2,22');
  });

  it('has γ and its root for each image', () => {
    expect(gammaCsv(histogramOf([2, 0.5]))).toBe('index,gamma,sqrt_gamma\n0,4,2\n1,0.25,0.5\n');
  });

  it('has both sides for each image and perturbation, names in quotes where they need them', () => {
    const report = boundsOf(true);
    report.propositions[0]!.name = 'Prop. C.1, tight';
    expect(boundsCsv(report)).toBe(
      'proposition,index,perturbation,left,right,slack,holds\n"Prop. C.1, tight",3,random,0,2,2,true\n"Prop. C.1, tight",77,adversarial,3,0,-3,false\n',
    );
  });
});
