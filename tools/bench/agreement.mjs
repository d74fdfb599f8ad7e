/** Sign steps amplify rounding, so whole searches are counted, not compared. */
const counted = 'found';

/**
 * How far the quantities of one variant are from those of another.
 *
 * @param tolerance - relative ℓ2 distance at which two float32 variants count as computing different things
 * @returns worst: the quantity that is farthest off, and by how much; differing: the share of the entries of δ
 *   that differ after the search; problems: a sentence for each quantity beyond the tolerance
 */
export function compare(found, reference, tolerance) {
  const names = Object.keys(reference).filter((name) => name !== counted);
  const errors = names.map((quantity) => ({
    quantity,
    error: relativeError(found[quantity], reference[quantity]),
  }));
  const unknown = Object.keys(found).filter((name) => !(name in reference));
  return {
    worst: errors.reduce((a, b) => (b.error > a.error ? b : a)),
    differing: differing(found[counted], reference[counted]),
    problems: [
      ...errors
        .filter(({ error }) => error > tolerance)
        .toSorted((a, b) => b.error - a.error)
        .map(({ quantity, error }) => `${quantity} is ${error.toExponential(1)} off`),
      ...unknown.map((quantity) => `${quantity} is nowhere else`),
    ],
  };
}

/** ‖a − b‖ / ‖b‖; infinite where an array is missing, of another size, or not finite. */
export function relativeError(a, b) {
  if (a?.values.length !== b.values.length) return Infinity;
  let difference = 0;
  let size = 0;
  for (const [i, value] of b.values.entries()) {
    difference += (a.values[i] - value) ** 2;
    size += value ** 2;
  }
  if (Number.isNaN(difference)) return Infinity;
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}

/** The share of entries that differ by more than rounding. */
function differing(a, b) {
  if (a?.values.length !== b.values.length) return 1;
  return (
    b.values.filter((value, i) => Math.abs(a.values[i] - value) > 1e-6).length / b.values.length
  );
}
