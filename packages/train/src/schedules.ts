/** A value for each moment of training: epochs done, with fractions, out of how many. */
export type EpochSchedule = (epoch: number, epochs: number) => number;

/** `initial`, multiplied by `factor` once each of the epochs in `at` is reached (F.2: 0.1 at 100 and 105). */
export function stepDecay(initial: number, at: readonly number[], factor = 0.1): EpochSchedule {
  return (epoch) => initial * factor ** at.filter((milestone) => epoch >= milestone).length;
}

/** From 0 to `full` over `epochs`, linearly, and `full` from then on (F.2: ε over 15 epochs on CIFAR-10). */
export function linearRamp(full: number, epochs: number): EpochSchedule {
  return (epoch) => (epochs > 0 ? full * Math.min(1, epoch / epochs) : full);
}

/** From `initial` to 0 along half a cosine over the whole training (Loshchilov & Hutter 2017). */
export function cosineDecay(initial: number): EpochSchedule {
  return (epoch, epochs) => (initial / 2) * (1 + Math.cos((Math.PI * epoch) / epochs));
}
