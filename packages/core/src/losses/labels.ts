import {
  cast,
  div,
  oneHot,
  sum,
  Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';

/** Integer classes `[b]`, int32; or a distribution over the classes for each example, `[b, classes]`, float32. */
export type Labels = Tensor1D | Tensor2D;

/** Labels as distributions `[b, classes]`, shaped like the logits: those given, or one-hot ones. */
export function labelDistribution(labels: Labels, logits: Tensor2D): Tensor2D {
  if (labels.rank !== 2) return labelMask(labels as Tensor1D, logits);
  assertLogits(logits);
  const [batch, classes] = logits.shape;
  if (labels.shape[0] !== batch || labels.shape[1] !== classes) {
    throw new RangeError(
      `One-hot or soft labels must be shaped like the logits, ${shapeOf(logits)}; got ${shapeOf(labels)}.`,
    );
  }
  return labels as Tensor2D;
}

/**
 * 1 at each example's integer label and 0 elsewhere, shaped like the logits `[b, classes]`. The row of a label
 * that isn't a class is NaN: values can't be read here, and what is made of them must not pass for a number.
 */
export function labelMask(labels: Tensor1D, logits: Tensor2D): Tensor2D {
  assertLogits(logits);
  assertIntegerLabels(labels, logits);
  return tidy(() => {
    const mask = cast(oneHot(labels, logits.shape[1]), 'float32');
    // 0 / 0 where no class is marked.
    return div(mask, sum(mask, 1, true)) as Tensor2D;
  });
}

function assertLogits(logits: Tensor2D) {
  if (logits.rank !== 2) {
    throw new RangeError(`Logits must be [b, classes]; got ${shapeOf(logits)}.`);
  }
}

function assertIntegerLabels(labels: Tensor1D, logits: Tensor2D) {
  if (labels.rank === 2) {
    throw new RangeError(
      `This needs integer labels [b]; got ${shapeOf(labels)}. One-hot labels become integers by argMax(labels, 1); soft ones name no class.`,
    );
  }
  if (labels.rank !== 1 || labels.shape[0] !== logits.shape[0]) {
    throw new RangeError(
      `Labels must be one integer for each of the ${logits.shape[0]} examples, [b]; got ${shapeOf(labels)}.`,
    );
  }
  if (labels.dtype !== 'int32') {
    throw new TypeError(
      `Integer labels must be int32; got ${labels.dtype}. Cast them: cast(labels, 'int32').`,
    );
  }
}

const shapeOf = ({ shape }: Tensor) => `[${shape.join(', ')}]`;

/** How far the sum of a soft label's float32 numbers may be from 1. */
const tolerance = 1e-4;

/**
 * Refuses labels that aren't of these classes. It reads the labels' values, so it is for where data come in, not
 * for a function that is compiled.
 *
 * @param labels - integers `[b]`, or one-hot or soft rows `[b, classes]`; a tensor, or plain numbers
 * @throws RangeError that names the first example (counted from 0) whose label is not a whole number from 0 to
 *   `numClasses` − 1, or whose row is not `numClasses` numbers from 0 to 1 that sum to 1
 */
export function assertLabels(
  labels: Labels | ArrayLike<number> | readonly ArrayLike<number>[],
  numClasses: number,
): void {
  if (labels instanceof Tensor && labels.rank !== 1 && labels.rank !== 2) {
    throw new RangeError(`Labels must be [b] or [b, ${numClasses}]; got ${shapeOf(labels)}.`);
  }
  const rows = labels instanceof Tensor ? (labels.arraySync() as number[] | number[][]) : labels;
  Array.from(rows as ArrayLike<number | ArrayLike<number>>).forEach((label, example) => {
    if (typeof label === 'number') assertClass(label, example, numClasses);
    else assertDistribution(Array.from(label), example, numClasses);
  });
}

function assertClass(label: number, example: number, numClasses: number) {
  if (!(Number.isInteger(label) && label >= 0 && label < numClasses)) {
    throw new RangeError(
      `Label ${label} of example ${example} is not a class: ${numClasses} classes are numbered 0 to ${numClasses - 1}.`,
    );
  }
}

function assertDistribution(row: number[], example: number, numClasses: number) {
  if (row.length !== numClasses) {
    throw new RangeError(
      `The label of example ${example} has ${row.length} entries for ${numClasses} classes.`,
    );
  }
  const wrong = row.findIndex((share) => !(share >= 0 && share <= 1 + tolerance));
  if (wrong >= 0) {
    throw new RangeError(
      `The label of example ${example} gives class ${wrong} the share ${row[wrong]}; shares are from 0 to 1.`,
    );
  }
  const total = row.reduce((a, b) => a + b, 0);
  if (Math.abs(total - 1) > tolerance) {
    throw new RangeError(`The label of example ${example} sums to ${total}, not to 1.`);
  }
}
