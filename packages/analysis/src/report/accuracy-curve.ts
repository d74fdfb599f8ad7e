import * as Plot from '@observablehq/plot';
import type { CurvePoint } from '../obfuscation/verdict.ts';
import { chart } from './chart.ts';
import { number, percent } from './format.ts';
import { type Html, html } from './html.ts';
import { seriesColour, seriesDash } from './series.ts';

/** Accuracy against what an attack was given, a line with intervals for each network. */
export function accuracyCurve(
  id: string,
  {
    name,
    label,
    log,
    series,
  }: {
    name: string;
    label: string;
    /** Of the axis across. */
    log: boolean;
    series: readonly { name: string; i: number; points: readonly CurvePoint[] }[];
  },
): Html {
  const flat = series.map((one) => ({
    ...one,
    points: one.points.map(({ at, accuracy }) => ({
      at,
      value: accuracy.value,
      low: accuracy.interval[0],
      high: accuracy.interval[1],
    })),
  }));
  const places = [...new Set(flat.flatMap(({ points }) => points.map(({ at }) => at)))];
  const described = flat.map(({ name, points }) => {
    const steps = points.map(({ at, value }) => `${percent(value)} at ${number(at)}`);
    return `${name} ${steps.join(', ')}`;
  });
  const svg = chart(
    id,
    {
      height: 230,
      marginLeft: 44,
      marginTop: 14,
      marginRight: 18,
      marginBottom: 36,
      x: {
        label,
        labelAnchor: 'right',
        labelArrow: 'none',
        ...(log && places.every((at) => at > 0) ? { type: 'log', ticks: places } : { ticks: 6 }),
        tickFormat: (at: number) => number(at),
      },
      y: {
        label: null,
        grid: true,
        ticks: 5,
        domain: [0, 1],
        tickFormat: (v: number) => percent(v, 0),
      },
      marks: flat.flatMap(({ name, i, points }) => [
        Plot.ruleX(points, {
          x: 'at',
          y1: 'low',
          y2: 'high',
          stroke: seriesColour(i),
          strokeOpacity: 0.5,
        }),
        Plot.lineY(points, {
          x: 'at',
          y: 'value',
          stroke: seriesColour(i),
          strokeWidth: 2,
          strokeDasharray: seriesDash(i),
        }),
        Plot.dot(points, {
          x: 'at',
          y: 'value',
          r: 2.5,
          fill: seriesColour(i),
          title: (point: (typeof points)[number]) =>
            `${name}, ${number(point.at)}: ${percent(point.value)}`,
        }),
      ]),
    },
    `${name}: ${described.join('; ')}.`,
  );
  return html`<div class="chart-box"><h3>${name}</h3>${svg}</div>`;
}
