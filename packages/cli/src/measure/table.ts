import { getBorderCharacters, table } from 'table';

/** A table of text as the command line prints it: the first column to the left, the others to the right. */
export const measurementTable = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string =>
  table([[...header], ...rows.map((row) => [...row])], {
    border: getBorderCharacters('norc'),
    columns: header.map((_, i) => ({ alignment: i === 0 ? 'left' : 'right' })),
    drawHorizontalLine: (line, count) => line <= 1 || line === count,
  }).trimEnd();

/** A number with three digits. */
export const short = (value: number): string => String(Number(value.toPrecision(3)));
