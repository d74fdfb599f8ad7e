export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
};

export const maxAbs = (numbers: ArrayLike<number>): number => {
  let largest = 0;
  for (let i = 0; i < numbers.length; i++) largest = Math.max(largest, Math.abs(numbers[i]!));
  return largest;
};

export const mean = (numbers: readonly number[]): number =>
  numbers.reduce((total, x) => total + x, 0) / numbers.length;

/** The q-quantile (0 to 1) of numbers in ascending order, interpolated between neighbours. */
export const quantile = (ascending: readonly number[], q: number): number => {
  const at = q * (ascending.length - 1);
  const below = Math.floor(at);
  const lower = ascending[below]!;
  const upper = ascending[Math.min(below + 1, ascending.length - 1)]!;
  return lower + (at - below) * (upper - lower);
};
