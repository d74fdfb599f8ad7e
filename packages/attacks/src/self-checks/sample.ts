import type { Problem, RandomSource } from '@llr/core';
import { dispose, gather, slice, type Tensor, type Tensor4D, tidy } from '@tensorflow/tfjs-core';

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
  /** The first few of them, which went through the network together. */
  readonly few: { readonly images: Tensor4D; readonly logits: Float32Array };
  /** The rows that the network gets right: those worth attacking. */
  readonly correct: readonly number[];
  /** Frees the sample's tensors. */
  dispose(): void;
}

/** Enough for a verdict, few enough to cost little beside the attacks. */
const largestSample = 32;
/** How many images pass at once: what isn't compiled keeps all its intermediate results until the end. */
const fewAtOnce = 8;

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
  const few = slice(images, 0, Math.min(fewAtOnce, rows.length));
  const radii = each && withRadius ? gather(radius, rows) : undefined;
  const own: Tensor[] = radii ? [images, labels, few, radii] : [images, labels, few];
  const values = await logitsOf(logits, images);
  const classes = (await labels.data()) as Int32Array;
  const numClasses = values.length / rows.length;
  const chosen = Int32Array.from(rows, (row) => indices[row]!);
  const predictions = predictionsOf(values, numClasses);
  return {
    problem: {
      images,
      labels,
      indices: chosen,
      logits,
      threat: radii ? withRadius!(radii) : batch.threat,
      random: batch.random.fork('self-checks').forExamples(chosen),
    },
    labels: classes,
    numClasses,
    logits: values,
    few: { images: few, logits: values.subarray(0, few.shape[0] * numClasses) },
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

/** `[b · classes]`, a few images at a time. */
export async function logitsOf(logits: Problem['logits'], images: Tensor4D): Promise<Float32Array> {
  const [count] = images.shape;
  const parts: Float32Array[] = [];
  for (let from = 0; from < count; from += fewAtOnce) {
    const outputs = tidy(() =>
      logits(slice(images, from, Math.min(fewAtOnce, count - from)) as Tensor4D),
    );
    parts.push((await outputs.data()) as Float32Array);
    outputs.dispose();
  }
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** The class of the largest logit of each row; the first of equal ones, as an evaluation judges. */
export const predictionsOf = (logits: Float32Array, numClasses: number): Int32Array =>
  Int32Array.from({ length: logits.length / numClasses }, (_, row) => {
    const ofRow = logits.subarray(row * numClasses, (row + 1) * numClasses);
    return ofRow.indexOf(Math.max(...ofRow));
  });
