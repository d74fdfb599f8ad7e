import type { LossSurface } from '../loss-surface.ts';
import { dot } from '../numbers.ts';
import type { Levels } from './colour-scale.ts';
import { number } from './format.ts';
import { type Html, html } from './html.ts';

// The plane's back corner is at the top middle; adversarial runs to the right, random to the left, both downwards.
const [width, height] = [360, 272];
const [halfWidth, halfDepth, rise] = [140, 62, 112];
const back = { x: 190, y: 134 };

type Point = readonly [x: number, y: number];

/**
 * The loss as a landscape over the plane (Fig. A1), seen from above and from one side, drawn back to front.
 * Height and colour share one scale with the other surfaces of the report.
 */
export function isometricSurface(surface: LossSurface, levels: Levels, alternative: string): Html {
  const { values } = surface;
  const relative = (value: number) => (value - levels.low) / (levels.high - levels.low);
  const heights = values.map((row) => row.map(relative));
  const quads = quadsOf(heights);
  const polygons = quads.map(({ corners, mean, light }) => {
    const value = levels.low + mean * (levels.high - levels.low);
    const [fill, edge] = [levels.colour(value, light), levels.colour(value, 0.86 * light)];
    return html`<polygon points="${path(corners)}" fill="${fill}" stroke="${edge}"/>`;
  });
  const floor = [project(0, 0, 0), project(1, 0, 0), project(1, 1, 0), project(0, 1, 0)];
  const [left, front, right] = [project(0, 1, 0), project(1, 1, 0), project(1, 0, 0)];
  const axisTop = project(0, 1, 1);
  // The sky above the highest point is left out.
  const highest = Math.min(
    axisTop[1],
    ...quads.flatMap(({ corners }) => corners.map(([, y]) => y)),
  );
  const top = Math.floor(highest - 8);
  return html`<svg class="chart landscape" role="img" aria-label="${alternative}" viewBox="0 ${top} ${width} ${height - top}" width="${width}" height="${height - top}" font-size="11" fill="currentColor" text-anchor="middle">
<polygon class="floor" points="${path(floor)}"/>
<g stroke-width="0.6" stroke-linejoin="round">${polygons}</g>
<path class="axis" d="M${point(axisTop)}L${point(left)}L${point(front)}L${point(right)}"/>
${heightTicks(levels)}
${edgeLabel(left, front, 'adversarial direction →', 1)}
${edgeLabel(front, right, 'random direction', -1)}
</svg>`;
}

/** (u, v) on the floor and the height z, each from 0 to 1, to the drawing. */
const project = (u: number, v: number, z: number): Point => [
  back.x + (u - v) * halfWidth,
  back.y + (u + v) * halfDepth - z * rise,
];

interface Quad {
  corners: Point[];
  /** Of the four heights. */
  mean: number;
  light: number;
}

/** The pieces of the surface, the farthest first. */
function quadsOf(heights: readonly (readonly number[])[]): Quad[] {
  const [rows, columns] = [heights.length - 1, heights[0]!.length - 1];
  const places = Array.from({ length: rows * columns }, (_, k) => {
    const [i, j] = [Math.floor(k / columns), k % columns];
    return { i, j, distance: i / rows + j / columns };
  });
  places.sort((a, b) => a.distance - b.distance);
  return places.map(({ i, j }) => {
    // Rows count along the random direction: v from the back (first row) to the front.
    const at = (di: number, dj: number) => heights[i + di]![j + dj]!;
    const corner = (di: number, dj: number) =>
      project((j + dj) / columns, (i + di) / rows, at(di, dj));
    const slopeU = ((at(0, 1) + at(1, 1) - at(0, 0) - at(1, 0)) / 2) * columns;
    const slopeV = ((at(1, 0) + at(1, 1) - at(0, 0) - at(0, 1)) / 2) * rows;
    return {
      corners: [corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0)],
      mean: (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4,
      light: lightOn(slopeU, slopeV),
    };
  });
}

/** Lambert's law with a lamp at the upper left; 1 on level ground. */
function lightOn(slopeU: number, slopeV: number): number {
  const lamp = [-0.35, 0.15, 0.92];
  const normal = [-slopeU, -slopeV, 2];
  const cosine = dot(lamp, normal) / Math.sqrt(dot(normal, normal) * dot(lamp, lamp));
  return 0.72 + 0.3 * Math.max(0, cosine);
}

/** The loss along the upright edge at the left corner. */
function heightTicks({ limits, low, high }: Levels): Html[] {
  const shown = [low, limits[Math.floor((limits.length - 1) / 2)]!, high];
  return [...new Set(shown)].map((value) => {
    const [x, y] = project(0, 1, (value - low) / (high - low));
    return html`<path class="axis" d="M${x},${y.toFixed(1)}h-4"/><text x="${x - 7}" y="${y.toFixed(1)}" dy="0.32em" text-anchor="end">${number(value)}</text>`;
  });
}

function edgeLabel([x1, y1]: Point, [x2, y2]: Point, text: string, side: 1 | -1): Html {
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  const [x, y] = [(x1 + x2) / 2 - side * 7, (y1 + y2) / 2 + 14];
  return html`<text transform="translate(${x.toFixed(1)},${y.toFixed(1)}) rotate(${angle.toFixed(1)})">${text}</text>`;
}

const point = ([x, y]: Point): string => `${x.toFixed(1)},${y.toFixed(1)}`;
const path = (points: readonly Point[]): string => points.map(point).join(' ');
