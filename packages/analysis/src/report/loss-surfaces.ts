import * as Plot from '@observablehq/plot';
import { departureFromPlane } from '../departure-from-plane.ts';
import type { LossSurface } from '../loss-surface.ts';
import { chart, chartWidth } from './chart.ts';
import { type Levels, levelsOf } from './colour-scale.ts';
import { epsilonText, list, number } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportInput } from './input.ts';
import { isometricSurface } from './isometric-surface.ts';

interface NamedSurface {
  name: string;
  surface: LossSurface;
}

/** The loss around one image for each network (Fig. A1), on one scale. Nothing when there is no surface. */
export function lossSurfaces({ networks, surfaceImage }: ReportInput): Html | undefined {
  const all = networks.flatMap(({ name, surface }) => (surface ? [{ name, surface }] : []));
  if (all.length === 0) return undefined;
  const levels = levelsOf(all.flatMap(({ surface }) => surface.values.flat()));
  const departures = list(
    all.map(({ name, surface }) => `${number(departureFromPlane(surface))} for ${name}`),
  );
  const epsilons = [...new Set(all.map(({ surface }) => epsilonText(surface.epsilon)))];
  return html`<section aria-labelledby="surface"><h2 id="surface">The loss around one image</h2>
<figure>${ramp(levels)}
<div class="columns surfaces">${all.map((one, i) => drawn(one, i, levels))}</div>
<figcaption>The loss (${all[0]!.surface.loss}) around ${surfaceImage ?? 'one test image'}, x, on a plane through it: along the perturbation δ of an attack, and along a random one of the same size. One unit is ε = ${list(epsilons)}. Above as a landscape, below as a map of the same numbers; all share one scale. Where the loss is linear the landscape is a flat sheet and the lines of the map are straight, parallel and evenly spaced. Largest distance from the plane that fits best: ${departures}.</figcaption></figure></section>`;
}

function drawn({ name, surface }: NamedSurface, i: number, levels: Levels): Html {
  const all = surface.values.flat();
  const alternative = `Loss of ${name}: from ${number(Math.min(...all))} to ${number(Math.max(...all))} on the plane, at most ${number(departureFromPlane(surface))} from the plane that fits best.`;
  return html`<div class="chart-box"><h3>${name}</h3>
${isometricSurface(surface, levels, `Landscape. ${alternative}`)}
${contourMap(`map-${i}`, surface, levels, `Map. ${alternative}`)}</div>`;
}

function contourMap(id: string, surface: LossSurface, levels: Levels, alternative: string): Html {
  const { adversarial, random, values } = surface;
  const [x1, x2] = edges(adversarial);
  const [y1, y2] = edges(random);
  const marks = [
    { x: 0, y: 0, text: 'x' },
    { x: 1, y: 0, text: 'x + δ' },
  ].filter(({ x }) => x <= adversarial.at(-1)!);
  return chart(
    id,
    {
      height: chartWidth - 40,
      marginLeft: 46,
      marginRight: 22,
      marginTop: 12,
      marginBottom: 40,
      x: {
        domain: [adversarial[0]!, adversarial.at(-1)!],
        label: 'adversarial direction (ε)',
        labelAnchor: 'center',
        labelArrow: 'none',
        ticks: 5,
      },
      y: {
        domain: [random[0]!, random.at(-1)!],
        label: 'random direction (ε)',
        labelAnchor: 'center',
        labelArrow: 'none',
        ticks: 5,
      },
      color: { type: 'identity' },
      marks: [
        // Below the lowest contour nothing is drawn, so the frame is filled with the lowest band's colour.
        Plot.frame({ fill: levels.bandColour(levels.low), stroke: null }),
        Plot.contour(values.flat(), {
          width: adversarial.length,
          height: random.length,
          x1,
          x2,
          y1,
          y2,
          value: Plot.identity,
          thresholds: levels.limits,
          fill: {
            transform: (bands: { value: number }[]) =>
              bands.map((band) => levels.bandColour(band.value)),
          },
          stroke: 'rgba(255,255,255,0.55)',
          strokeWidth: 0.7,
          clip: true,
        } as Plot.ContourOptions),
        Plot.dot(marks, { x: 'x', y: 'y', r: 3.5, fill: 'white', stroke: 'black' }),
        Plot.text(marks, {
          x: 'x',
          y: 'y',
          text: 'text',
          dx: -8,
          textAnchor: 'end',
          fill: 'white',
          stroke: 'rgba(0,0,0,0.75)',
          strokeWidth: 2.5,
          fontSize: 13,
        }),
      ],
    },
    alternative,
  );
}

/** The outer edges of the cells around evenly spaced points. */
function edges(axis: readonly number[]): [number, number] {
  const half = (axis.at(-1)! - axis[0]!) / (axis.length - 1) / 2;
  return [axis[0]! - half, axis.at(-1)! + half];
}

/** Which colour is which loss. */
function ramp(levels: Levels): Html {
  const { limits, low, high } = levels;
  const [left, right, width] = [14, 14, chartWidth];
  const x = (value: number) => left + ((value - low) / (high - low)) * (width - left - right);
  const every = Math.ceil((limits.length - 1) / 6);
  return html`<svg class="chart ramp" role="img" aria-label="Colour scale of the loss, from ${number(low)} to ${number(high)}" viewBox="0 0 ${width} 44" width="${width}" height="44" font-size="11" fill="currentColor" text-anchor="middle">
<text x="${left}" y="10" text-anchor="start">loss</text>${limits.slice(0, -1).map((limit, i) => {
    const [from, to] = [x(limit), x(limits[i + 1]!)];
    return html`<rect x="${from.toFixed(1)}" y="16" width="${(to - from).toFixed(1)}" height="10" fill="${levels.bandColour(limit)}"/>`;
  })}${limits
    .filter((_, i) => i % every === 0)
    .map((limit) => html`<text x="${x(limit).toFixed(1)}" y="39">${number(limit)}</text>`)}</svg>`;
}
