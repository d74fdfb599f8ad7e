/** More than any data set has; a range of more is a slip. */
const most = 100_000;

/**
 * The names that a pattern with ranges in braces stands for, as shells and WebDataset write them:
 * `'train-{0000..1023}.tar'`. A name without ranges stands for itself.
 *
 * @throws RangeError when a range goes backwards or is too long
 */
export function expandBraces(pattern: string): string[] {
  const range = /\{(\d+)\.\.(\d+)\}/.exec(pattern);
  if (!range) return [pattern];
  const [text, first, last] = [range[0], range[1]!, range[2]!];
  const count = Number(last) - Number(first) + 1;
  if (!(count >= 1 && count <= most)) {
    throw new RangeError(`${text} in ${pattern} should go up, over at most ${most} names.`);
  }
  const before = pattern.slice(0, range.index);
  const after = expandBraces(pattern.slice(range.index + text.length));
  return Array.from({ length: count }, (_, i) =>
    String(Number(first) + i).padStart(first.length, '0'),
  ).flatMap((number) => after.map((end) => `${before}${number}${end}`));
}
