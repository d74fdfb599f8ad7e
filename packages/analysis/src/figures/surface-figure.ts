import * as Plot from '@observablehq/plot';
import { departureFromPlane } from '../departure-from-plane.ts';
import type { LossSurface } from '../loss-surface.ts';
import { type Levels, levelsOf } from '../report/colour-scale.ts';
import { epsilonText, number } from '../report/format.ts';
import { isometricSurface } from '../report/isometric-surface.ts';
import { type Block, below, beside, drawing, line, paragraph } from './block.ts';
import { contourMap } from './contour-map.ts';
import { plotBlock } from './plot-block.ts';

/** A loss surface and the network's name. */
export interface NamedSurface {
  name: string;
  surface: LossSurface;
}

const columnWidth = 360;

/**
 * The loss around an image as a drawing (Fig. A1): for each network a landscape, and below it a map of the same numbers.
 * All networks share one scale.
 *
 * @param image - which image, in words: "test image 126, deer"
 * @returns an SVG file
 * @throws RangeError when there is no surface
 */
export function surfaceFigure(surfaces: readonly NamedSurface[], image = 'an image'): string {
  if (surfaces.length === 0) throw new RangeError('A figure needs at least one loss surface.');
  const levels = levelsOf(surfaces.flatMap(({ surface }) => surface.values.flat()));
  const { loss, epsilon } = surfaces[0]!.surface;
  const seen = landscapes(surfaces, levels);
  const columns = surfaces.map(({ name, surface }, i) =>
    below([
      line(name, { bold: true, width: columnWidth }),
      seen[i]!,
      contourMap(`map-${i}`, surface, levels),
      line(`at most ${number(departureFromPlane(surface))} from the plane that fits best`, {
        size: 11,
        width: columnWidth,
      }),
    ]),
  );
  const widest = Math.max(columnWidth, columns.length * (columnWidth + 20) - 20);
  const title = `The loss (${loss}) around ${image}`;
  return drawing(
    below([
      line(title, { size: 14, bold: true, width: widest }),
      paragraph(
        `Along the perturbation δ of an attack and a random direction of the same size, in units of ε = ${epsilonText(epsilon)}.`,
        widest,
      ),
      scaleBar(levels),
      beside(columns),
    ]),
    `${title}: ${surfaces.map(({ name, surface }) => `${name} ${extremes(surface)}`).join('; ')}.`,
  );
}

function extremes({ values }: LossSurface): string {
  const all = values.flat();
  return `from ${number(Math.min(...all))} to ${number(Math.max(...all))}`;
}

/** The report's landscapes, whose sizes are in their attributes; the sky above the highest of them is left out. */
function landscapes(surfaces: readonly NamedSurface[], levels: Levels): Block[] {
  const drawn = surfaces.map(
    ({ surface }) => isometricSurface(surface, levels, extremes(surface)).text,
  );
  const heights = drawn.flatMap((svg) =>
    [...svg.matchAll(/-?[\d.]+,(-?[\d.]+)/g)].map(([, y]) => Number(y)),
  );
  const top = Math.max(0, Math.floor(Math.min(...heights) - 10));
  return drawn.map((svg) => {
    const [frame, w, h] = /viewBox="0 0 \d+ \d+" width="(\d+)" height="(\d+)"/.exec(svg)!;
    const [width, height] = [Number(w), Number(h) - top];
    const cropped = `viewBox="0 ${top} ${width} ${height}" width="${width}" height="${height}"`;
    return { width, height, svg: svg.replace(frame, cropped) };
  });
}

/** Which colour is which loss. */
function scaleBar({ limits, bandColour }: Levels): Block {
  const bands = limits.slice(0, -1).map((from, i) => ({ from, to: limits[i + 1]! }));
  return plotBlock('scale', {
    width: columnWidth,
    height: 36,
    marginTop: 4,
    marginBottom: 18,
    marginLeft: 14,
    marginRight: 14,
    x: { label: null, ticks: 6, tickSize: 3 },
    color: { type: 'identity' },
    marks: [
      Plot.rectX(bands, { x1: 'from', x2: 'to', fill: ({ from }) => bandColour(from), inset: 0 }),
    ],
  });
}
