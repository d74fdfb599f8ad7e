import * as Plot from '@observablehq/plot';
import type { LocalLinearityHistogram } from '../local-linearity-histogram.ts';
import { quantile } from '../numbers.ts';
import { roundStep } from '../report/colour-scale.ts';
import { count, epsilonText, number, percent } from '../report/format.ts';
import { below, beside, drawing, line, paragraph } from './block.ts';
import { colourOf, dashOf, plotBlock } from './plot-block.ts';

/** A histogram of γ and the network's name. */
export interface NamedHistogram {
  name: string;
  histogram: LocalLinearityHistogram;
}

const width = 640;

/**
 * √γ(ε, x) over a set of images as a drawing (Fig. F3), for several networks in the same bins, with their medians. The
 * last bar holds what is beyond 99 % of every network's.
 *
 * @returns an SVG file
 * @throws RangeError when there is no histogram
 */
export function gammaFigure(histograms: readonly NamedHistogram[]): string {
  if (histograms.length === 0) throw new RangeError('A figure needs at least one histogram.');
  const series = histograms.map(({ name, histogram }, i) => ({
    name,
    i,
    roots: histogram.examples.map(({ gamma }) => Math.sqrt(gamma)).sort((a, b) => a - b),
    epsilon: histogram.threat.epsilon,
  }));
  const most = Math.max(...series.map(({ roots }) => quantile(roots, 0.99)));
  const binWidth = roundStep((most || 1) / 40);
  const bins = Math.floor(most / binWidth) + 1;
  const beyond = series.flatMap(({ roots }) => roots.filter((root) => root > bins * binWidth));
  const images = series.reduce((sum, { roots }) => sum + roots.length, 0);
  const outlines = series.map((one) => outline(one.roots, bins, binWidth));
  const epsilons = [...new Set(series.map(({ epsilon }) => epsilonText(epsilon)))];
  const plot = plotBlock('gamma', {
    width,
    height: 320,
    marginLeft: 48,
    marginTop: 26,
    marginBottom: 40,
    x: { label: '√γ(ε, x)', labelArrow: 'none', domain: [0, bins * binWidth], ticks: 8 },
    y: {
      label: 'share of images',
      labelArrow: 'none',
      grid: true,
      ticks: 6,
      tickFormat: (share: number) => percent(share, 0),
    },
    marks: [
      ...series.flatMap(({ i, roots }) => [
        Plot.areaY(outlines[i]!, { x: 'x', y1: 0, y2: 'y', fill: colourOf(i), fillOpacity: 0.25 }),
        Plot.line(outlines[i]!, { x: 'x', y: 'y', stroke: colourOf(i), strokeWidth: 1.5 }),
        Plot.ruleX([quantile(roots, 0.5)], {
          stroke: colourOf(i),
          strokeWidth: 2,
          strokeDasharray: dashOf(i),
        }),
      ]),
      Plot.ruleY([0]),
    ],
  });
  const keys = series.map(({ name, i, roots }) =>
    beside(
      [
        {
          width: 28,
          height: 14,
          svg: `<path d="M0,9H28" stroke="${colourOf(i)}" stroke-width="3" stroke-dasharray="${dashOf(i)}"/>`,
        },
        line(
          `${name}: median ${number(quantile(roots, 0.5))}, 95 % below ${number(quantile(roots, 0.95))} (${count(roots.length)} images)`,
          { width: width - 40 },
        ),
      ],
      8,
    ),
  );
  const title = `√γ for ε = ${epsilons.join(' and ')}`;
  return drawing(
    below([
      line(title, { size: 14, bold: true, width }),
      paragraph(
        'How far the loss is from its linearisation at an image, at most, within the ball; found by a search, which gives a lower bound. Upright lines are medians.',
        width,
      ),
      ...keys,
      plot,
      ...(beyond.length > 0
        ? [
            paragraph(
              `The last bar also holds what is larger: ${count(beyond.length)} of ${count(images)}, up to ${number(Math.max(...beyond))}.`,
              width,
            ),
          ]
        : []),
    ]),
    `Histogram of ${title}. Medians: ${series.map(({ name, roots }) => `${name} ${number(quantile(roots, 0.5))}`).join('; ')}.`,
  );
}

/** The upper edge of a histogram's bars, as shares. */
function outline(
  roots: readonly number[],
  bins: number,
  binWidth: number,
): { x: number; y: number }[] {
  const counts = new Array<number>(bins).fill(0);
  for (const root of roots) counts[Math.min(Math.floor(root / binWidth), bins - 1)]!++;
  return counts.flatMap((images, k) => {
    const y = images / roots.length;
    return [
      { x: k * binWidth, y },
      { x: (k + 1) * binWidth, y },
    ];
  });
}
