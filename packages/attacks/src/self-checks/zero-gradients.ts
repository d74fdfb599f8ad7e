import { crossEntropy, margin, type PerExampleLoss } from '@llr/core';
import { inputGradient } from '@llr/engine';
import { concat, type Tensor4D } from '@tensorflow/tfjs-core';
import { ascent } from '../compiled-ascent.ts';
import type { Sample } from './sample.ts';
import { figure, share, type Warning } from './warning.ts';

/** Adam's ε in the attacks (F.1): where a gradient is below it, Adam's steps shrink with the gradient. */
const standstill = 1e-9;
/** Of the examples, that have to stand still before cross-entropy is called saturated. */
const noticeable = 0.05;

/**
 * Gradients that attacks can't follow: missing, NaN, zero. AutoAttack flags gradients of the DLR loss that are exactly
 * zero; this looks at cross-entropy and the margin apart, because where only the former vanishes (Carlini & Wagner 2017),
 * attacks on the margin are the remedy, and where both do, no white-box attack is (Athalye et al. 2018).
 *
 * @returns `usable: false` where there is no gradient to ascend at all
 */
export async function checkGradients(
  sample: Sample,
): Promise<{ usable: boolean; warnings: Warning[] }> {
  const { correct } = sample;
  let sizes: { entropy: Float32Array; margin: Float32Array };
  try {
    sizes = await gradientSizes(sample);
  } catch (error) {
    return { usable: false, warnings: [missing(error as Error)] };
  }
  const rows = [...sizes.margin.keys()];
  const finite = (row: number) =>
    Number.isFinite(sizes.entropy[row]!) && Number.isFinite(sizes.margin[row]!);
  const broken = rows.filter((row) => !finite(row));
  if (broken.length > 0) return { usable: false, warnings: [notNumbers(sample, broken)] };
  const flat = correct.filter((row) => sizes.margin[row]! < standstill);
  const still = correct.filter((row) => sizes.entropy[row]! < standstill && !flat.includes(row));
  const warnings: Warning[] = [];
  if (flat.length > 0) {
    const largest = Math.max(...flat.map((row) => sizes.margin[row]!));
    warnings.push(masked(flat.length, correct.length, largest));
  }
  if (still.length > 0 && still.length >= noticeable * correct.length) {
    const largest = Math.max(...still.map((row) => sizes.entropy[row]!));
    warnings.push(saturated(still.length, correct.length, largest));
  }
  return { usable: flat.length < correct.length, warnings };
}

/** The largest entry of each example's gradients; NaN if any entry is. */
async function gradientSizes({ problem, labels }: Sample) {
  const gradients = gradientsOf(problem);
  const values = (await gradients.data()) as Float32Array;
  gradients.dispose();
  const pixels = values.length / (2 * labels.length);
  const sizes = Float32Array.from({ length: 2 * labels.length }, (_, row) => {
    let largest = 0;
    for (let at = row * pixels; at < (row + 1) * pixels; at++) {
      largest = Math.max(largest, Math.abs(values[at]!));
    }
    return largest;
  });
  return { entropy: sizes.subarray(0, labels.length), margin: sizes.subarray(labels.length) };
}

/** Those of cross-entropy, then those of the margin, `[2b, h, w, c]`. */
const gradientsOf = ascent('self-check-gradients', ({ logits, images, labels }) => {
  const gradient = (loss: PerExampleLoss) =>
    inputGradient((x: Tensor4D) => ({ value: loss(logits(x), labels) }), images).gradient;
  return concat([gradient(crossEntropy), gradient(margin)], 0);
});

const missing = ({ message }: Error): Warning => ({
  check: 'no-gradients',
  message: `The network has no gradient with respect to its images: ${message} White-box attacks can't run, and black-box attacks alone (square) show less than a white-box attack on a differentiable approximation would.`,
});

const notNumbers = ({ problem }: Sample, rows: readonly number[]): Warning => ({
  check: 'nan-gradients',
  message: `The gradient of the loss is NaN or infinite at ${share(rows.length, problem.indices.length)} (the first is example ${problem.indices[rows[0]!]}). White-box attacks get nowhere from there. Look for square roots, norms, logarithms or divisions at 0 in the network, and keep them away from 0.`,
});

const masked = (count: number, total: number, largest: number): Warning => ({
  check: 'zero-gradients',
  message: `The gradient of the logit margin is ${largest === 0 ? 'exactly 0' : `below 1e-9 (at most ${figure(largest)})`} at ${share(count, total, 'correctly classified examples')}. White-box attacks have nothing to follow there, so what they report there says nothing about robustness. Usual causes are quantisation, rounding or thresholds in the network, and saturated activations or outputs. Attack a differentiable approximation of it (BPDA), and run black-box attacks (square) as well.`,
});

const saturated = (count: number, total: number, largest: number): Warning => ({
  check: 'saturated-cross-entropy',
  message: `The gradient of cross-entropy is below 1e-9 (at most ${figure(largest)}) at ${share(count, total, 'correctly classified examples')}, while that of the logit margin is not: the network is so sure that cross-entropy is flat, and attacks that ascend it ${largest === 0 ? 'stand still' : 'with Adam hardly move'}. Use attacks on the margin (untargeted, multiTargeted) or on the difference of logits ratio (apgd) too; the margin's gradient does not vanish.`,
});
