/** A value for each moment of training: epochs done, with fractions, out of how many. */
export interface EpochSchedule {
  (epoch: number, epochs: number): number;
  /** What it was made with, as plain data: what a run's record says of it. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The epochs at which it changes. One that training doesn't reach is an error of the experiment. */
  readonly milestones?: readonly number[];
}

/**
 * `initial`, multiplied by `factor` once each of the epochs in `at` is reached (F.2: 0.1 at 100 and 105).
 *
 * @throws RangeError when a number is not above 0, or the epochs are not in ascending order
 */
export function stepDecay(initial: number, at: readonly number[], factor = 0.1): EpochSchedule {
  assertPositive('stepDecay: initial', initial);
  assertPositive('stepDecay: factor', factor);
  at.forEach((epoch, i) => {
    if (!(epoch > (at[i - 1] ?? 0) && epoch < Infinity)) {
      throw new RangeError(
        `stepDecay: the epochs must be above 0 and ascending; got ${at.join(', ')}.`,
      );
    }
  });
  const rate = (epoch: number) =>
    initial * factor ** at.filter((milestone) => epoch >= milestone).length;
  const settings = { schedule: 'step-decay', initial, at: [...at], factor };
  return Object.assign(rate, { settings, milestones: [...at] });
}

/** From 0 to `full` over `epochs`, linearly, and `full` from then on (F.2: ε over 15 epochs on CIFAR-10). */
export function linearRamp(full: number, epochs: number): EpochSchedule {
  return (epoch) => (epochs > 0 ? full * Math.min(1, epoch / epochs) : full);
}

/**
 * From `initial` to 0 along half a cosine over the whole training (Loshchilov & Hutter 2017).
 *
 * @throws RangeError when `initial` is not above 0
 */
export function cosineDecay(initial: number): EpochSchedule {
  assertPositive('cosineDecay: initial', initial);
  const rate = (epoch: number, epochs: number) =>
    (initial / 2) * (1 + Math.cos((Math.PI * epoch) / epochs));
  return Object.assign(rate, { settings: { schedule: 'cosine-decay', initial } });
}

function assertPositive(what: string, value: number): void {
  if (!(value > 0 && value < Infinity)) {
    throw new RangeError(`${what} must be above 0; got ${value}.`);
  }
}
