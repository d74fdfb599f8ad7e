import { logitsOf, predictionsOf, type Sample } from './sample.ts';
import { figure, share, type Warning } from './warning.ts';

/** How often the same images are shown again: as often as AutoAttack does. */
const repetitions = 4;
/** Of the largest logit: more than an engine that adds in another order makes. */
export const floatNoise = 1e-4;

/** A network that gives the same images other logits each time (AutoAttack: "randomized defense"). */
export async function checkRandomness(sample: Sample): Promise<Warning[]> {
  const { few, numClasses, problem } = sample;
  const predictions = predictionsOf(few.logits, numClasses);
  const changed = new Set<number>();
  let largest = 0;
  for (let again = 0; again < repetitions; again++) {
    const values = await logitsOf(problem.logits, few.images);
    largest = Math.max(largest, relativeGap(few.logits, values));
    predictionsOf(values, numClasses).forEach((prediction, row) => {
      if (prediction !== predictions[row]) changed.add(row);
    });
  }
  if (!(largest > floatNoise)) return [];
  return [
    {
      check: 'randomized',
      message: `The network is random: shown the same images ${repetitions + 1} times, its logits differ by up to ${figure(100 * largest)} % of the largest, and the prediction changes for ${share(changed.size, predictions.length)}. An attack then counts as having broken an example when chance did, gradients of one draw don't fit the next, and results are not repeatable. Turn dropout and noise off, or attack the average of many draws.`,
    },
  ];
}

/** The largest difference of two batches of logits, relative to the largest logit. */
export function relativeGap(a: Float32Array, b: Float32Array): number {
  const scale = a.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0);
  const gap = a.reduce((largest, logit, i) => Math.max(largest, Math.abs(logit - b[i]!)), 0);
  return gap === 0 ? 0 : gap / scale;
}
