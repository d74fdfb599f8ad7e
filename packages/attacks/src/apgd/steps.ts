/** @throws RangeError unless it is a whole number above 0 */
export function assertSteps(steps: number): void {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(`steps must be a whole number above 0; got ${steps}.`);
  }
}
