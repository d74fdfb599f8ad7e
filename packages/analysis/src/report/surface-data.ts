import type { LossSurface } from '../loss-surface.ts';

/** What a page keeps of a surface for its script: in an attribute of the figure, as JSON. */
export interface SurfaceData {
  adversarial: number[];
  random: number[];
  values: number[][];
  /** Of the bands of colour; the same for all surfaces beside one another. */
  limits: number[];
}

export const surfaceData = (
  { adversarial, random, values }: LossSurface,
  limits: number[],
): SurfaceData => ({
  adversarial: adversarial.map(short),
  random: random.map(short),
  values: values.map((row) => row.map(short)),
  limits,
});

/** As many digits as can be seen. */
const short = (value: number): number => Number(value.toPrecision(5));
