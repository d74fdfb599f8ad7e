/**
 * Refuses options of a regulariser that must be 0 or more and finite: weights and distances, by name.
 *
 * @throws RangeError that names the regulariser, the option and its value
 */
export function assertWeights(
  regularizer: string,
  options: Readonly<Record<string, number>>,
): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`${regularizer}: ${name} must be 0 or more; got ${value}.`);
    }
  }
}
