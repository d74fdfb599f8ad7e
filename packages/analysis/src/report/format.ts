// A thin space that doesn't break, between a number and its unit.
const gap = '\u202f';

/** A share as a percentage: 0.6235 is "62.4 %". */
export const percent = (share: number, digits = 1): string =>
  `${(100 * share).toFixed(digits)}${gap}%`;

/** A difference of shares in percentage points, without its sign: "4.1 points". */
export const points = (difference: number): string => {
  const rounded = Math.abs(100 * difference).toFixed(1);
  return `${rounded}${gap}${rounded === '1.0' ? 'point' : 'points'}`;
};

export const count = (n: number): string => n.toLocaleString('en-GB');

/** Three significant digits, and no exponent where a plain number is short enough. */
export const number = (value: number): string => {
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e5) ? rounded.toExponential() : String(rounded);
  return text.replaceAll('-', '−');
};

/** ε as people write it: 0.1, or "8/255" where that is shorter than its decimals. */
export const epsilonText = (epsilon: number): string => {
  const decimal = Number(epsilon.toPrecision(6));
  const levels = Math.round(epsilon * 255);
  const isLevels = levels > 0 && Math.abs(levels / 255 - epsilon) < 1e-6;
  return isLevels && String(decimal).length > 5 ? `${levels}/255` : number(decimal);
};

export const seconds = (s: number): string => {
  if (s < 10) return `${s.toFixed(1)}${gap}s`;
  if (s < 60) return `${Math.round(s)}${gap}s`;
  return `${Math.floor(s / 60)}${gap}min ${Math.round(s % 60)}${gap}s`;
};

/** "a", "a and b", "a, b and c". */
export const list = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
