/**
 * When APGD looks whether its step size still suits (Croce & Hein 2020, Sec. 3.2): first after 22 % of its steps, then at
 * intervals each 3 % shorter than the last but of 6 % at least; in whole steps, rounded as in the authors' code.
 *
 * @returns for each number of steps taken, 0 to `steps` − 1: the length of the interval that ends there, or 0
 */
export function intervalsOf(steps: number): number[] {
  const share = (of: number) => Math.max(Math.trunc(of * steps), 1);
  const intervals: number[] = Array.from({ length: steps }, () => 0);
  let interval = share(0.22);
  for (let end = interval; end < steps; end += interval) {
    intervals[end] = interval;
    interval = Math.max(interval - share(0.03), share(0.06));
  }
  return intervals;
}
