import {
  add,
  cast,
  floor,
  greaterEqual,
  less,
  logicalAnd,
  minimum,
  mul,
  range,
  reshape,
  sub,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';

/** One square window for each example. */
export interface Windows {
  /** The row of each pixel within its example's window, `[b, h, 1, 1]`: from 0 to side − 1 where it is inside. */
  readonly rows: Tensor4D;
  /** The column, `[b, 1, w, 1]`. */
  readonly columns: Tensor4D;
  /** Which pixels are inside, `[b, h, w, 1]`, bool. */
  readonly inside: Tensor4D;
}

/**
 * Places windows: every place where one fits into the image is as likely. (The authors' and AutoAttack's code leave out the
 * last row and column of places, so that no square ever reaches those of the image; their paper doesn't.)
 *
 * @returns a function of the sides `[b]` and of two uniform numbers for each example `[b, 2]`
 */
export function windowsOn(height: number, width: number) {
  const rows = reshape(range(0, height, 1, 'float32'), [1, height, 1, 1]);
  const columns = reshape(range(0, width, 1, 'float32'), [1, 1, width, 1]);
  return (side: Tensor, [down, right]: readonly [down: Tensor, right: Tensor]): Windows => {
    const sides = reshape(cast(side, 'float32'), [-1, 1, 1, 1]);
    const within = (pixels: Tensor, extent: number, uniform: Tensor) => {
      const last = sub(extent, sides);
      // In float32 a number just below 1 can round up to one place too many.
      const first = minimum(floor(mul(reshape(uniform, [-1, 1, 1, 1]), add(last, 1))), last);
      return sub(pixels, first) as Tensor4D;
    };
    const inside = (offset: Tensor) => logicalAnd(greaterEqual(offset, 0), less(offset, sides));
    const ofRows = within(rows, height, down);
    const ofColumns = within(columns, width, right);
    return {
      rows: ofRows,
      columns: ofColumns,
      inside: logicalAnd(inside(ofRows), inside(ofColumns)) as Tensor4D,
    };
  };
}
