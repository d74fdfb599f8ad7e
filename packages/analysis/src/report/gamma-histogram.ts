import * as Plot from '@observablehq/plot';
import { mean, quantile } from '../numbers.ts';
import { chart } from './chart.ts';
import { roundStep } from './colour-scale.ts';
import { count, number, percent } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';
import { legend, seriesColour, seriesDash } from './series.ts';

interface Roots {
  name: string;
  /** Which network it is, for its colour. */
  i: number;
  /** √γ of each image, ascending. */
  roots: number[];
}

/** √γ of every image, for all networks in the same bins (Fig. F3). Nothing when there is no γ. */
export function gammaHistogram(networks: readonly ReportNetwork[]): Html | undefined {
  const all = networks.flatMap(({ name, gammas }, i): Roots[] =>
    gammas && gammas.length > 0
      ? [{ name, i, roots: gammas.map(Math.sqrt).sort((a, b) => a - b) }]
      : [],
  );
  if (all.length === 0) return undefined;
  const scale = binsFor(all);
  return html`${legend(networks.map(({ name }) => name))}
<figure><div class="columns">${histogram(all, scale)}
${quantileTable(all)}</div>
<figcaption>For each image, γ is the largest gap that was found between the loss and its linear approximation, anywhere within the allowed perturbations: 0 is perfectly linear. Bars far to the left mean that the loss is nearly linear around most images; the upright lines are the medians. The search finds a lower bound of the true γ.${
    scale.beyond > 0 &&
    ` The last bar also holds what is larger than ${number(scale.bins * scale.width)}: ${count(scale.beyond)} of ${count(scale.images)}.`
  }</figcaption></figure>`;
}

interface Bins {
  bins: number;
  width: number;
  /** How many of all the roots are above the last bin. */
  beyond: number;
  images: number;
}

/** Bins that hold 99 % of every network's roots: a few outliers would press all the rest into one bar. */
function binsFor(all: readonly Roots[]): Bins {
  const most = Math.max(...all.map(({ roots }) => quantile(roots, 0.99)));
  const width = roundStep((most || 1) / 40);
  const bins = Math.floor(most / width) + 1;
  const roots = all.flatMap((one) => one.roots);
  const beyond = roots.filter((root) => root > bins * width).length;
  return { bins, width, beyond, images: roots.length };
}

function histogram(all: readonly Roots[], { bins, width }: Bins): Html {
  const series = all.map(({ name, i, roots }) => {
    const counts = new Array<number>(bins).fill(0);
    for (const root of roots) counts[Math.min(Math.floor(root / width), bins - 1)]!++;
    const bars = counts.map((n, k) => ({
      from: k * width,
      to: (k + 1) * width,
      share: n / roots.length,
    }));
    return { name, i, bars, median: quantile(roots, 0.5) };
  });
  const medians = series.map(({ name, median }) => `${name} ${number(median)}`);
  return chart(
    'gamma-histogram',
    {
      height: 260,
      marginLeft: 44,
      marginTop: 24,
      marginBottom: 38,
      x: {
        label: '√γ',
        labelAnchor: 'right',
        labelArrow: 'none',
        domain: [0, bins * width],
        ticks: 6,
      },
      y: {
        label: 'share of images',
        labelArrow: 'none',
        grid: true,
        ticks: 5,
        tickFormat: (v: number) => percent(v, 0),
      },
      marks: [
        ...series.flatMap(({ name, i, bars, median }) => [
          Plot.rectY(bars, {
            x1: 'from',
            x2: 'to',
            y: 'share',
            fill: seriesColour(i),
            fillOpacity: 0.28,
            inset: 0,
            title: (bar: (typeof bars)[number]) =>
              `${name}, √γ ${number(bar.from)} to ${number(bar.to)}: ${percent(bar.share)}`,
          }),
          Plot.line(outline(bars), {
            x: 'x',
            y: 'y',
            stroke: seriesColour(i),
            strokeWidth: 1.5,
          } as Plot.LineOptions),
          Plot.ruleX([median], {
            stroke: seriesColour(i),
            strokeWidth: 2,
            strokeDasharray: seriesDash(i),
          }),
        ]),
        Plot.ruleY([0]),
      ],
    },
    `Histogram of the square root of γ. Medians: ${medians.join('; ')}.`,
  );
}

/** The upper edge of the bars. */
const outline = (bars: readonly { from: number; to: number; share: number }[]) => [
  { x: 0, y: 0 },
  ...bars.flatMap(({ from, to, share }) => [
    { x: from, y: share },
    { x: to, y: share },
  ]),
  { x: bars.at(-1)!.to, y: 0 },
];

function quantileTable(all: readonly Roots[]): Html {
  const columns: [string, (roots: number[]) => number][] = [
    ['mean', mean],
    ['median', (roots) => quantile(roots, 0.5)],
    ['95\u202f% below', (roots) => quantile(roots, 0.95)],
    ['largest', (roots) => roots.at(-1)!],
  ];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="√γ in numbers"><table class="plain"><caption>√γ in numbers</caption>
<thead><tr><td></td>${columns.map(([name]) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${all.map(
    ({ name, roots }) =>
      html`<tr><th scope="row">${name}<span class="interval">${count(roots.length)} ${roots.length === 1 ? 'image' : 'images'}</span></th>${columns.map(([, show]) => html`<td>${number(show(roots))}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
