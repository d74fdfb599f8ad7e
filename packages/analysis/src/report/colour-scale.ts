// Viridis (Smith & van der Walt 2015): even steps of lightness, told apart by the colour-blind too.
const viridis = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 73, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
] as const;

/** A colour of the scale: t from 0 (low) to 1 (high), darkened or lightened by a factor for shading. */
function scaleColour(t: number, light = 1): string {
  const at = Math.min(1, Math.max(0, t)) * (viridis.length - 1);
  const i = Math.min(Math.floor(at), viridis.length - 2);
  const [from, to] = [viridis[i]!, viridis[i + 1]!];
  const channels = from.map((c, k) => Math.min(255, light * (c + (at - i) * (to[k]! - c))));
  return `#${channels.map((c) => Math.round(c).toString(16).padStart(2, '0')).join('')}`;
}

/** Bands of equal width with round limits, shared by all the surfaces of a report. */
export interface Levels {
  /** Ascending: the limits of the bands, the outermost included. */
  limits: number[];
  low: number;
  high: number;
  /** The colour of a value. */
  colour(value: number, light?: number): string;
  /** The colour of the band above a limit. */
  bandColour(limit: number): string;
}

/** 6 to 14 bands that hold all the values. */
export function levelsOf(values: readonly number[]): Levels {
  const min = Math.min(...values);
  const max = Math.max(...values);
  const step = roundStep((max - min || Math.abs(max) || 1) / 14);
  const first = Math.floor(min / step);
  const last = Math.max(Math.ceil(max / step), first + 1);
  return levelsAt(Array.from({ length: last - first + 1 }, (_, i) => roundTo((first + i) * step)));
}

/** The bands between evenly spaced limits. */
export function levelsAt(limits: number[]): Levels {
  const [low, high] = [limits[0]!, limits.at(-1)!];
  const colour = (value: number, light?: number) =>
    scaleColour((value - low) / (high - low), light);
  const half = (high - low) / (limits.length - 1) / 2;
  return { limits, low, high, colour, bandColour: (limit) => colour(limit + half) };
}

/** The next of 1, 2, 5, 10, 20, … times a power of ten. */
export function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((f) => f * power >= least * (1 - 1e-9))!;
  return roundTo(factor * power);
}

const roundTo = (value: number): number => Number(value.toPrecision(12));
