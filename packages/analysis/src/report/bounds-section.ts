import * as Plot from '@observablehq/plot';
import type { BoundPair, BoundsReport, PropositionReport } from '../bounds-report.ts';
import { quantile } from '../numbers.ts';
import { chart } from './chart.ts';
import { count, list, number, percent } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';
import { legend, seriesColour } from './series.ts';
import { threatText } from './threat-text.ts';

/** A network's bounds, with which network it is, for its colour. */
interface Bounds {
  name: string;
  i: number;
  bounds: BoundsReport;
  classNames: readonly string[];
}

/** One proposition as checked for each network. */
interface Checked {
  network: Bounds;
  proposition: PropositionReport;
}

const drawnPairs = 400;
const listedViolations = 12;

/** Props. 4.1, C.1 and C.2 over test images: both sides, the slack, and loudly what fails. Nothing without bounds. */
export function boundsSection(networks: readonly ReportNetwork[]): Html | undefined {
  const all = boundsOf(networks);
  if (all.length === 0) return undefined;
  const names = [...new Set(all.flatMap(({ bounds }) => bounds.propositions.map((p) => p.name)))];
  const checked = names.map((name) =>
    all.flatMap((network): Checked[] => {
      const proposition = network.bounds.propositions.find((one) => one.name === name);
      return proposition ? [{ network, proposition }] : [];
    }),
  );
  const most = Math.max(...checked.flat().map(({ proposition }) => proposition.pairs.length));
  const threats = [...new Set(all.map(({ bounds }) => threatText(bounds.threat)))];
  return html`${outcome(checked.flat())}
<p class="hint">Checked within ${list(threats)}. A slack a hair below 0 is within the rounding of float32.</p>
${legend(networks.map(({ name }) => name))}
<figure><div class="charts">${checked.map(scatter)}</div>
<figcaption>One point for each image and each perturbation of it: across, the right side of the inequality; upwards, the left side, both on a logarithmic scale. The inequality holds below the diagonal and fails in the shaded half. What is off the scale is drawn at its edge.${
    most > drawnPairs &&
    ` Of each network at most ${count(drawnPairs)} points are drawn: what fails, the tightest, and an even choice of the others.`
  }</figcaption></figure>
${slackTable(checked.flat())}`;
}

const boundsOf = (networks: readonly ReportNetwork[]): Bounds[] =>
  networks.flatMap(({ name, bounds, classNames = [] }, i) =>
    bounds ? [{ name, i, bounds, classNames }] : [],
  );

/** How many inequalities fail over all networks, for the head of the page: "Prop. 4.1 fails for LLR". */
export const failingBounds = (networks: readonly ReportNetwork[]): string[] =>
  boundsOf(networks).flatMap(({ name, bounds }) =>
    bounds.propositions.flatMap((proposition) =>
      proposition.violations.length > 0 ? [`${proposition.name} fails for ${name}`] : [],
    ),
  );

function outcome(checked: readonly Checked[]): Html {
  const failing = checked.filter(({ proposition }) => proposition.violations.length > 0);
  const pairs = checked.reduce((sum, { proposition }) => sum + proposition.pairs.length, 0);
  if (failing.length === 0) {
    return html`<p><b class="held">✓ Every bound holds</b> in all ${count(pairs)} checks.</p>`;
  }
  return html`<div class="alarm"><h3>✗ Bounds are violated</h3>
<p>These inequalities are proven, so what violates them is a fault: of the implementation, of the precision of the arithmetic, or of a network whose gradients are not its own.</p>
${failing.map(violationTable)}</div>`;
}

function violationTable({ network, proposition }: Checked): Html {
  const failing = proposition.pairs.filter(({ holds }) => !holds);
  const left = failing.length - listedViolations;
  const labels = new Map(network.bounds.examples.map(({ index, label }) => [index, label]));
  const labelOf = (index: number) => {
    const label = labels.get(index);
    return label === undefined ? '–' : (network.classNames[label] ?? `class ${label}`);
  };
  const caption = `${network.name}, ${proposition.name}: ${count(failing.length)} of ${count(proposition.pairs.length)} checks fail, at ${count(proposition.violations.length)} ${proposition.violations.length === 1 ? 'image' : 'images'}`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="plain"><caption>${caption}</caption>
<thead><tr>${['image', 'label', 'perturbation', 'left', 'right', 'slack'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${failing
    .slice(0, listedViolations)
    .map(
      (pair) =>
        html`<tr><th scope="row">${pair.index}</th><td>${labelOf(pair.index)}</td><td>${pair.perturbation}</td><td>${side(pair.left)}</td><td>${side(pair.right)}</td><td>${side(pair.slack)}</td></tr>`,
    )}</tbody></table></div>
${left > 0 && html`<p class="muted">and ${count(left)} more.</p>`}`;
}

/** JSON makes null of what is not a number. */
const side = (value: number | null): string =>
  value === null || Number.isNaN(value) ? 'not a number' : number(value);

function scatter(checked: readonly Checked[], k: number): Html {
  const { name, source, formula } = checked[0]!.proposition;
  const scale = scaleOf(checked.flatMap(({ proposition }) => proposition.pairs));
  const series = checked.map(({ network, proposition }) => ({
    name: network.name,
    i: network.i,
    points: chosen(proposition.pairs).map((pair) => ({
      ...pair,
      x: within(pair.right, scale),
      y: within(pair.left, scale),
    })),
  }));
  const title = (network: string) => (pair: BoundPair) =>
    `${network}, image ${pair.index}, ${pair.perturbation} perturbation: ${number(pair.left)} ≤ ${number(pair.right)}`;
  const failing = checked.map(
    ({ network, proposition }) => `${count(proposition.violations.length)} for ${network.name}`,
  );
  const svg = chart(
    `bounds-${k}`,
    {
      height: 330,
      marginLeft: 52,
      marginTop: 12,
      marginRight: 16,
      marginBottom: 42,
      x: {
        ...logAxis(scale),
        label: `right: ${formula.right}`,
        labelAnchor: 'center',
        labelArrow: 'none',
      },
      y: {
        ...logAxis(scale),
        label: `left: ${formula.left}`,
        labelAnchor: 'center',
        labelArrow: 'none',
      },
      marks: [
        Plot.areaY(
          [
            { at: scale.low, to: scale.high },
            { at: scale.high, to: scale.high },
          ],
          { x: 'at', y1: 'at', y2: 'to', fill: 'var(--bad)', fillOpacity: 0.09 },
        ),
        Plot.line(
          [scale.low, scale.high].map((at) => ({ at })),
          { x: 'at', y: 'at', stroke: 'currentColor', strokeOpacity: 0.6 },
        ),
        ...series.flatMap(({ name, i, points }) => [
          Plot.dot(
            points.filter(({ holds }) => holds),
            {
              x: 'x',
              y: 'y',
              r: 1.8,
              fill: seriesColour(i),
              fillOpacity: 0.55,
            },
          ),
          Plot.dot(
            points.filter(({ holds }) => !holds),
            {
              x: 'x',
              y: 'y',
              r: 5,
              symbol: 'times',
              stroke: 'var(--bad)',
              strokeWidth: 2.5,
              title: title(name),
            },
          ),
        ]),
      ],
    },
    `${name}, left side against right side. Images that violate it: ${list(failing)}.`,
  );
  return html`<div class="chart-box"><h3>${name}</h3><p class="hint">${source}</p>${svg}</div>`;
}

/** What fails, the tightest, and of the others every so many. */
function chosen(pairs: readonly BoundPair[]): BoundPair[] {
  const drawable = pairs.filter(
    ({ left, right }) => Number.isFinite(left) && Number.isFinite(right),
  );
  if (drawable.length <= drawnPairs) return drawable;
  const failing = drawable.filter(({ holds }) => !holds);
  const others = drawable.filter(({ holds }) => holds).sort((a, b) => a.slack - b.slack);
  const tightest = others.slice(0, drawnPairs / 8);
  const rest = others.slice(tightest.length);
  const step = rest.length / (drawnPairs - tightest.length);
  const even = rest.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  return [...failing, ...tightest, ...even];
}

interface Scale {
  low: number;
  high: number;
}

/** Whole powers of ten that hold most of the sides: at least one, at most six. */
function scaleOf(pairs: readonly BoundPair[]): Scale {
  const sides = pairs
    .flatMap(({ left, right }) => [left, right])
    .filter((value) => value > 0 && Number.isFinite(value))
    .sort((a, b) => a - b);
  if (sides.length === 0) return { low: 0.1, high: 1 };
  const top = Math.ceil(Math.log10(quantile(sides, 0.98)) + 1e-9);
  const bottom = Math.floor(Math.log10(quantile(sides, 0.02)));
  return { low: 10 ** Math.max(Math.min(bottom, top - 1), top - 6), high: 10 ** top };
}

const within = (value: number, { low, high }: Scale): number =>
  Math.min(high, Math.max(low, value));

const logAxis = ({ low, high }: Scale) => ({
  type: 'log' as const,
  domain: [low, high],
  ticks: Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, i) => low * 10 ** i),
  tickFormat: (value: number) => number(value),
});

function slackTable(checked: readonly Checked[]): Html {
  const qs = [
    ...new Set(checked.flatMap(({ proposition }) => proposition.quantiles.map(({ q }) => q))),
  ].sort((a, b) => a - b);
  const caption = 'Slack: by how much the right side exceeds the left';
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="plain"><caption>${caption}</caption>
<thead><tr><th scope="col">Bound</th><th scope="col">Network</th><th scope="col">Checks</th>${qs.map((q) => html`<th scope="col">${quantileName(q)}</th>`)}<th scope="col">Images violating it</th></tr></thead>
<tbody>${checked.map(
    ({ network, proposition: { name, pairs, quantiles, violations } }) =>
      html`<tr><th scope="row">${name}</th><td>${network.name}</td><td>${count(pairs.length)}</td>${qs.map(
        (q) => {
          const found = quantiles.find((one) => one.q === q);
          return html`<td>${found ? side(found.value) : '–'}</td>`;
        },
      )}<td>${violations.length > 0 ? html`<b class="broken">✗ ${count(violations.length)}</b>` : '0'}</td></tr>`,
  )}</tbody></table></div>`;
}

const quantileName = (q: number): string => {
  if (q === 0) return 'smallest';
  if (q === 0.5) return 'median';
  if (q === 1) return 'largest';
  return `${percent(q, 0)} below`;
};
