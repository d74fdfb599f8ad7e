import type { Accuracy } from '@llr/attacks';

/** An accuracy with half its 95 % interval: "54.2 % ± 3.1". */
export function percent({ value, interval: [low, high] }: Accuracy): string {
  return `${(100 * value).toFixed(1)} % ± ${((100 * (high - low)) / 2).toFixed(1)}`;
}
