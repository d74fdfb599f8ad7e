import * as Plot from '@observablehq/plot';
import type { LossSurface } from './loss-surface.ts';
import type { Levels } from './report/colour-scale.ts';

/** A loss surface seen from above, with lines of equal loss; x is the image, x + δ the attacked one. */
export function surfaceMap(surface: LossSurface, levels: Levels): Plot.PlotOptions {
  const { adversarial, random, values } = surface;
  const [x1, x2] = edges(adversarial);
  const [y1, y2] = edges(random);
  const marks = [
    { x: 0, y: 0, text: 'x' },
    { x: 1, y: 0, text: 'x + δ' },
  ].filter(({ x }) => x <= adversarial.at(-1)!);
  return {
    x: axis(adversarial, 'adversarial direction (ε)'),
    y: axis(random, 'random direction (ε)'),
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
        stroke: '#ffffff',
        strokeOpacity: 0.55,
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
        stroke: '#222222',
        strokeWidth: 2.5,
        fontSize: 13,
      }),
    ],
  };
}

const axis = (along: readonly number[], label: string) => ({
  domain: [along[0]!, along.at(-1)!],
  label,
  labelAnchor: 'center' as const,
  labelArrow: 'none' as const,
  ticks: 5,
});

/** The outer edges of the cells around evenly spaced points. */
function edges(axis: readonly number[]): [number, number] {
  const half = (axis.at(-1)! - axis[0]!) / (axis.length - 1) / 2;
  return [axis[0]! - half, axis.at(-1)! + half];
}
