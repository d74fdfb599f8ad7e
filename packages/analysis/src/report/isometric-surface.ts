import type { LossSurface } from '../loss-surface.ts';
import type { Levels } from './colour-scale.ts';
import { type Html, html } from './html.ts';
import { axes, type Label } from './landscape/axes.ts';
import { frame, type Point, startingCamera } from './landscape/camera.ts';
import { faces } from './landscape/faces.ts';
import { heightTicks } from './landscape/ticks.ts';

/**
 * The loss as a landscape over the plane (Fig. A1), seen from above and from one side, drawn back to front.
 * Height and colour share one scale with the other surfaces of the report. Where scripts run, one that can be
 * turned stands in its place.
 */
export function isometricSurface(surface: LossSurface, levels: Levels, alternative: string): Html {
  const { low, high } = levels;
  const heights = surface.values.map((row) => row.map((value) => (value - low) / (high - low)));
  const drawn = faces(heights, startingCamera);
  const { floor, lines, labels } = axes(startingCamera, heightTicks(levels));
  const polygons = drawn.map(({ corners, mean, light }) => {
    const value = low + mean * (high - low);
    const [fill, edge] = [levels.colour(value, light), levels.colour(value, 0.86 * light)];
    return html`<polygon points="${path(corners)}" fill="${fill}" stroke="${edge}"/>`;
  });
  return html`<svg class="chart landscape" role="img" aria-label="${alternative}" viewBox="0 0 ${frame.width} ${frame.height}" width="${frame.width}" height="${frame.height}" font-size="11" fill="currentColor">
<polygon class="floor" points="${path(floor)}"/>
<g stroke-width="0.6" stroke-linejoin="round">${polygons}</g>
<path class="axis" d="${lines.map((line) => `M${path(line)}`).join('')}"/>
${labels.map(written)}
</svg>`;
}

function written({ text, at, angle, align }: Label): Html {
  const turn = angle === 0 ? '' : ` rotate(${((angle * 180) / Math.PI).toFixed(1)})`;
  return html`<text transform="translate(${point(at)})${turn}" dy="0.32em" text-anchor="${align}">${text}</text>`;
}

const point = ([x, y]: Point): string => `${x.toFixed(1)},${y.toFixed(1)}`;
const path = (points: readonly Point[]): string => points.map(point).join(' ');
