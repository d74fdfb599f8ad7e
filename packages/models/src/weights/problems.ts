import { floatingPoint } from './number-formats.ts';

const most = 20;

/** A list for the end of an error, cut where nobody reads on. */
export function listed(problems: readonly string[]): string {
  const more = problems.length - most;
  const lines = more > 0 ? [...problems.slice(0, most), `and ${more} more`] : problems;
  return lines.map((line) => `\n  ${line}`).join('');
}

export const brackets = (numbers: readonly number[]) => `[${numbers.join(', ')}]`;

/** The index of the first NaN or infinity, or −1. */
export function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) return i;
  }
  return -1;
}

export const notFinite = (name: string, value: number | undefined, at: number) =>
  `not finite: ${name} (${value} at element ${at})`;

export const notFloatingPoint = ({ name, dtype }: { name: string; dtype: string }) =>
  `dtype: ${name} is ${dtype}, not one of ${floatingPoint.join(', ')}`;
