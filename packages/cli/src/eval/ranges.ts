/** Examples from `begin` up to `end`, the end not included. */
export type Range = readonly [begin: number, end: number];

/** "500 to 749". */
export const rangeInWords = ([begin, end]: Range): string =>
  end - begin === 1 ? `${begin}` : `${begin} to ${end - 1}`;

/** Ranges in order, those that touch joined. */
export function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const range of ranges.toSorted(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && last[1] === range[0]) result[result.length - 1] = [last[0], range[1]];
    else result.push(range);
  }
  return result;
}

/** What is in two of the ranges, if anything is. */
export function overlap(ranges: readonly Range[]): Range | undefined {
  const sorted = ranges.toSorted(([a], [b]) => a - b);
  for (const [i, [begin, end]] of sorted.slice(1).entries()) {
    const before = sorted[i]!;
    if (begin < before[1]) return [begin, Math.min(before[1], end)];
  }
  return undefined;
}

/** What of 0 to `size` is in none of the ranges, which don't overlap. */
export function gaps(ranges: readonly Range[], size: number): Range[] {
  const ends = [0, ...joined(ranges).flat(), size];
  const between: Range[] = [];
  for (let i = 0; i < ends.length; i += 2) between.push([ends[i]!, ends[i + 1]!]);
  return between.filter(([begin, end]) => begin < end);
}
