import { departureFromPlane } from '../departure-from-plane.ts';
import type { LossSurface } from '../loss-surface.ts';
import { surfaceMap } from '../surface-map.ts';
import { chart, chartWidth } from './chart.ts';
import { type Levels, levelsOf } from './colour-scale.ts';
import { epsilonText, list, number } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';
import { isometricSurface } from './isometric-surface.ts';
import { mapFrame } from './map-frame.ts';
import { surfaceData } from './surface-data.ts';

interface NamedSurface {
  name: string;
  surface: LossSurface;
  /** The image, in words: "test image 126 (bag)". */
  image: string;
}

/** The loss around images for each network (Fig. A1): a figure for each image, on one scale. Nothing without surfaces. */
export function lossSurfaces(networks: readonly ReportNetwork[]): Html | undefined {
  const all = networks.flatMap(({ name, surfaces = [], evaluation, classNames = [] }) =>
    surfaces.map((surface) => ({
      name,
      surface,
      image: imageInWords(surface, classNames),
      // The same number is another image in other data.
      key: JSON.stringify([evaluation.data.split('[')[0], surface.index, surface.label]),
    })),
  );
  if (all.length === 0) return undefined;
  const keys = [...new Set(all.map(({ key }) => key))];
  return html`${keys.map((key, k) =>
    figureOf(
      all.filter((one) => one.key === key),
      k,
    ),
  )}`;
}

function imageInWords({ index, label }: LossSurface, classNames: readonly string[]): string {
  const named = classNames[label] ?? `class ${label}`;
  return index === undefined ? `one test image (${named})` : `test image ${index} (${named})`;
}

function figureOf(all: readonly NamedSurface[], k: number): Html {
  const levels = levelsOf(all.flatMap(({ surface }) => surface.values.flat()));
  const departures = list(
    all.map(({ name, surface }) => `${number(departureFromPlane(surface))} for ${name}`),
  );
  const epsilons = [...new Set(all.map(({ surface }) => epsilonText(surface.epsilon)))];
  const { image, surface } = all[0]!;
  const data = all.map((one) => surfaceData(one.surface, levels.limits));
  const row = (kind: string, drawn: readonly Html[]) =>
    html`<div class="columns ${kind}">${all.map(({ name }, i) => html`<div class="chart-box"><h3>${name}</h3>${drawn[i]!}</div>`)}</div>`;
  const landscapes = all.map((one) =>
    isometricSurface(one.surface, levels, `Landscape. ${alternativeOf(one)}`),
  );
  const maps = all.map((one, i) =>
    contourMap(`map-${k}-${i}`, one.surface, levels, `Map. ${alternativeOf(one)}`),
  );
  return html`<figure class="loss-surface" data-surfaces="${JSON.stringify(data)}">${ramp(levels)}
${row('landscapes', landscapes)}
${row('maps', maps)}
<figcaption>The loss (${surface.loss}) around ${image}, x, on a plane through it: along the perturbation δ of an attack, and along a random one of the same size. One unit is ε = ${list(epsilons)}. Above as a landscape, below as a map of the same numbers; all share one scale. Where the loss is linear the landscape is a flat sheet and the lines of the map are straight, parallel and evenly spaced. Largest distance from the plane that fits best: ${departures}.</figcaption></figure>
`;
}

function alternativeOf({ name, surface, image }: NamedSurface): string {
  const all = surface.values.flat();
  return `Loss of ${name} around ${image}: from ${number(Math.min(...all))} to ${number(Math.max(...all))} on the plane, at most ${number(departureFromPlane(surface))} from the plane that fits best.`;
}

const contourMap = (id: string, surface: LossSurface, levels: Levels, alternative: string): Html =>
  chart(
    id,
    {
      height: mapFrame.height,
      marginLeft: mapFrame.left,
      marginRight: mapFrame.right,
      marginTop: mapFrame.top,
      marginBottom: mapFrame.bottom,
      ...surfaceMap(surface, levels),
    },
    alternative,
    'map',
  );

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
