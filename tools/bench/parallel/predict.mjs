// What the time of one all-reduce says of other machines: a prediction, not a measurement.

/**
 * Seconds of an all-reduce over a network: a ring moves 2 (n − 1) / n of the bytes through each rank's network, and
 * each rank copies and adds them in memory besides, at the speed measured here.
 *
 * @param perByte - seconds a byte in memory
 * @param gigabits - of the network, per rank
 */
export const reduceSeconds = ({ bytes, ranks, perByte, gigabits }) =>
  bytes * perByte + (2 * (ranks - 1) * bytes * 8) / (ranks * gigabits * 1e9);

/** The share of the time of a step that is not spent on the all-reduce, which follows the gradients. */
export const efficiency = (step, reduce) => step / (step + reduce);

/** ResNet-152 in float32. */
const bytes = 60_192_808 * 4;

/** Rows of Markdown: for steps and networks, the efficiency that 8 and 64 GPUs would have. */
export function predictions(perByte) {
  const rows = [
    [10, 0.5],
    [25, 0.5],
    [100, 0.5],
    [10, 2],
    [25, 2],
    [100, 2],
  ].map(([gigabits, step]) => [
    `${gigabits} Gbit/s`,
    `${step} s`,
    ...[8, 64].map((ranks) => {
      const reduce = reduceSeconds({ bytes, ranks, perByte, gigabits });
      return `${reduce.toFixed(2)} s, ${(100 * efficiency(step, reduce)).toFixed(0)} %`;
    }),
  ]);
  return [['network of each GPU', 'step of one GPU', '8 GPUs', '64 GPUs'], ...rows];
}
