import type { Problem, RandomSource } from '@llr/core';
import { dispose, gather, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';

/** What a check of a classifier is given: one batch, as an attack would see it. */
export interface CheckedBatch extends Pick<Problem, 'images' | 'labels' | 'indices' | 'threat'> {
  /** The network as it is attacked, `[b, h, w, c]` to `[b, classes]`; not compiled, so that numbers drawn in it show. */
  logits: Problem['logits'];
  /** The evaluation's own, not yet bound to examples. */
  random: RandomSource;
}

/** A few examples of a batch, and what the network makes of them. */
export interface Sample {
  readonly problem: Problem;
  readonly labels: Int32Array;
  readonly numClasses: number;
  /** `[b · classes]`, of the unperturbed images. */
  readonly logits: Float32Array;
  /** The rows that the network gets right: those worth attacking. */
  readonly correct: readonly number[];
  /** Frees the sample's tensors. */
  dispose(): void;
}

/** Enough for a verdict, few enough to cost little beside the attacks. */
const largestSample = 32;

/**
 * The first examples of a batch, each once: rows that only pad it repeat an index. Where a threat model has a radius for
 * each example and can't be made again with some of them, it is the whole batch.
 */
export async function sampleOf(batch: CheckedBatch): Promise<Sample> {
  const { indices, logits } = batch;
  const { radius, withRadius } = batch.threat;
  const each = radius.shape[0] > 1;
  const rows = each && !withRadius ? [...indices.keys()] : distinctRows(indices);
  const images = gather(batch.images, rows);
  const labels = gather(batch.labels, rows);
  const radii = each && withRadius ? gather(radius, rows) : undefined;
  const own: Tensor[] = radii ? [images, labels, radii] : [images, labels];
  const outputs = tidy(() => logits(images));
  const [values, classes] = await Promise.all([outputs.data(), labels.data()]);
  const numClasses = outputs.shape[1];
  outputs.dispose();
  const chosen = Int32Array.from(rows, (row) => indices[row]!);
  const predictions = predictionsOf(values as Float32Array, numClasses);
  return {
    problem: {
      images,
      labels: labels as Tensor1D,
      indices: chosen,
      logits,
      threat: radii ? withRadius!(radii) : batch.threat,
      random: batch.random.fork('self-checks').forExamples(chosen),
    },
    labels: classes as Int32Array,
    numClasses,
    logits: values as Float32Array,
    correct: [...predictions.keys()].filter((row) => predictions[row] === classes[row]),
    dispose: () => dispose(own),
  };
}

function distinctRows(indices: Int32Array): number[] {
  const seen = new Set<number>();
  const rows = [...indices.keys()].filter(
    (row) => !seen.has(indices[row]!) && seen.add(indices[row]!),
  );
  return rows.slice(0, largestSample);
}

/** The class of the largest logit of each row; the first of equal ones, as an evaluation judges. */
export const predictionsOf = (logits: Float32Array, numClasses: number): Int32Array =>
  Int32Array.from({ length: logits.length / numClasses }, (_, row) => {
    const ofRow = logits.subarray(row * numClasses, (row + 1) * numClasses);
    return ofRow.indexOf(Math.max(...ofRow));
  });
