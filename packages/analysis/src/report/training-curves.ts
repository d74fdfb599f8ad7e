import * as Plot from '@observablehq/plot';
import { chart } from './chart.ts';
import { number, percent } from './format.ts';
import { type Html, html } from './html.ts';
import type { Curve, ReportNetwork } from './input.ts';
import { legend, seriesColour, seriesDash } from './series.ts';

/** A chart for each curve name, a line for each network. Nothing when there are no curves. */
export function trainingCurves(networks: readonly ReportNetwork[]): Html | undefined {
  const names = [...new Set(networks.flatMap(({ curves }) => curves.map(({ name }) => name)))];
  const charts = names.flatMap((name, i) => {
    const lines = networks.map((n) => n.curves.find((curve) => curve.name === name));
    return lines.some((line) => line && line.points.length > 0)
      ? [curveChart(i, name, lines, networks)]
      : [];
  });
  if (charts.length === 0) return undefined;
  return html`${legend(networks.map(({ name }) => name))}
<figure><div class="charts">${charts}</div>
<figcaption>One chart for each number followed in training, one line for each network. The losses of two networks differ in what they add up, so compare their shapes rather than their heights.</figcaption></figure>`;
}

function curveChart(
  i: number,
  name: string,
  lines: readonly (Curve | undefined)[],
  networks: readonly ReportNetwork[],
): Html {
  const drawn = lines.flatMap((line, i) =>
    line && line.points.length > 0 ? [{ points: line.points, i, network: networks[i]!.name }] : [],
  );
  const points = drawn.flatMap((line) => line.points);
  const epochs = [...new Set(points.map(({ epoch }) => epoch))].sort((a, b) => a - b);
  const isShare = /accuracy/i.test(name) && points.every(({ value }) => value >= 0 && value <= 1);
  const show = isShare ? (value: number) => percent(value) : number;
  const described = drawn.map(
    (line) =>
      `${line.network} from ${show(line.points[0]!.value)} to ${show(line.points.at(-1)!.value)}`,
  );
  const svg = chart(
    `curve-${i}`,
    {
      height: 230,
      marginLeft: 44,
      marginTop: 14,
      marginBottom: 36,
      x: {
        label: 'epoch',
        labelAnchor: 'right',
        labelArrow: 'none',
        ticks: epochs.length <= 10 && epochs.every(Number.isInteger) ? epochs : 6,
        tickFormat: (epoch: number) => String(epoch),
      },
      y: {
        label: null,
        grid: true,
        ticks: 5,
        ...(isShare
          ? { domain: [0, 1], tickFormat: (v: number) => percent(v, 0) }
          : { zero: true }),
      },
      marks: drawn.flatMap(({ points: line, i, network }) => [
        Plot.lineY(line, {
          x: 'epoch',
          y: 'value',
          stroke: seriesColour(i),
          strokeWidth: 2,
          strokeDasharray: seriesDash(i),
        }),
        Plot.dot(line.length <= 40 ? line : line.slice(-1), {
          x: 'epoch',
          y: 'value',
          r: 2.5,
          fill: seriesColour(i),
          title: (p: Curve['points'][number]) => `${network}, epoch ${p.epoch}: ${show(p.value)}`,
        }),
      ]),
    },
    `${name} by epoch: ${described.join('; ')}.`,
  );
  return html`<div class="chart-box"><h3>${name}</h3>${svg}</div>`;
}
