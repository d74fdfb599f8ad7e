import type { Problem } from '@llr/core';
import {
  add,
  cast,
  clipByValue,
  div,
  gather,
  greaterEqual,
  logicalOr,
  mul,
  relu,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tensor4d,
  unstack,
  where,
} from '@tensorflow/tfjs-core';
import { etaPattern } from './eta-pattern.ts';
import { ofQuery, type SearchDistribution } from './search-distribution.ts';
import { l2Sides } from './square-size.ts';
import { type Windows, windowsOn } from './windows.ts';

/**
 * The ℓ2 search (Andriushchenko et al. 2020, Sec. 3.3 and Algorithm 3). Starts from a grid of patterns η of random signs and
 * orientations; tries to give what one window has of the norm, and what isn't used, to a pattern in another one.
 *
 * The share of each channel is its own, as in the paper and the authors' code (in AutoAttack's that of all channels together,
 * which with one channel is the same).
 */
export const l2Squares: SearchDistribution = {
  start: (problem) => {
    const { images, random } = problem;
    const [batch, height, width, channels] = images.shape;
    const side = Math.max(1, Math.floor(height / 5));
    const rows = tilesAlong(height, side);
    const columns = tilesAlong(width, side);
    const tiles = [batch, rows.count, columns.count];
    const signs = signsOf(random.fork('signs').uniform([...tiles, channels]));
    const lying = random.fork('orientations').uniform([...tiles, 1]);
    const overPixels = (ofTiles: Tensor) =>
      gather(gather(ofTiles, rows.tile, 1), columns.tile, 2) as Tensor4D;
    const { upright, across } = gridOfPatterns(side, rows.offset, columns.offset);
    const pattern = where(greaterEqual(overPixels(lying), 0.5), across, upright);
    return filling(mul(overPixels(signs), pattern) as Tensor4D, problem);
  },
  stage: (problem, queries) => {
    const { images, random } = problem;
    const [batch, height, width, channels] = images.shape;
    const { sides, patterns } = patternsOn(height, width);
    const windows = windowsOn(height, width);
    const places = random.fork('places').uniform([batch, queries, 4]);
    const signs = random.fork('signs').uniform([batch, queries, channels]);
    const orientations = random.fork('orientations').uniform([batch, queries]);
    const radius = reshape(problem.threat.radius, [-1, 1, 1, 1]);
    return (perturbation, level, query) => {
      const side = gather(sides, level);
      const [y, x, otherY, otherX] = unstack(ofQuery(places, query), 1);
      const window = windows(side, [y!, x!]);
      const other = windows(side, [otherY!, otherX!]);
      const inWindow = mul(perturbation, cast(window.inside, 'float32'));
      const inEither = mul(
        perturbation,
        cast(logicalOr(window.inside, other.inside), 'float32'),
      ) as Tensor4D;
      const sign = reshape(signsOf(ofQuery(signs, query)), [batch, 1, 1, channels]);
      const pattern = patterns(window, level, ofQuery(orientations, query));
      const direction = add(mul(pattern, sign), unitOverPixels(inWindow));
      const unused = relu(sub(square(radius), sum(square(perturbation), [1, 2, 3], true)));
      const available = add(sum(square(inEither), [1, 2], true), div(unused, channels));
      const moved = mul(unitOverPixels(direction), sqrt(available));
      return filling(add(sub(perturbation, inEither), moved) as Tensor4D, problem);
    };
  },
};

/** As far in this direction as ball and box allow: to the radius, then into the box. */
const filling = (direction: Tensor4D, { threat, images }: Problem): Tensor4D => {
  // In ℓ2 the steepest direction of a gradient is the gradient's own.
  const unit = threat.steepest(direction);
  return threat.project(mul(unit, reshape(threat.radius, [-1, 1, 1, 1])) as Tensor4D, images);
};

/** Each channel of each example over its norm; 0 where it is 0. */
const unitOverPixels = (x: Tensor): Tensor =>
  div(x, add(1e-12, sqrt(sum(square(x), [1, 2], true))));

/** −1 or 1, of uniform numbers. */
const signsOf = (uniform: Tensor): Tensor => sub(mul(2, greaterEqual(uniform, 0.5)), 1);

/** As many tiles as fit, in the middle. */
function tilesAlong(extent: number, side: number) {
  const count = Math.floor(extent / side);
  const border = Math.floor((extent - count * side) / 2);
  const pixels = Array.from({ length: extent }, (_, at) => at - border);
  const tileOf = (at: number) => Math.min(Math.max(Math.floor(at / side), 0), count - 1);
  return {
    count,
    /** Which tile each pixel is in; the next one, in the border. */
    tile: tensor1d(pixels.map(tileOf), 'int32'),
    /** Where in its tile; −1 in the border. */
    offset: pixels.map((at) => (at >= 0 && at < count * side ? at % side : -1)),
  };
}

/** η in every tile, and lying on its side in every tile: `[1, h, w, 1]` each. */
function gridOfPatterns(side: number, rows: readonly number[], columns: readonly number[]) {
  const eta = etaPattern(side);
  const grid = (at: (row: number, column: number) => number) =>
    tensor4d(
      rows.flatMap((row) =>
        columns.map((column) => (row < 0 || column < 0 ? 0 : eta[at(row, column)]!)),
      ),
      [1, rows.length, columns.length, 1],
    );
  return {
    upright: grid((row, column) => row * side + column),
    across: grid((row, column) => column * side + row),
  };
}

/** η of the size of each level, for windows of different levels in one batch. */
function patternsOn(height: number, width: number) {
  const sides = l2Sides(height, width);
  const largest = Math.max(...sides);
  const table = new Float32Array(sides.length * largest ** 2);
  sides.forEach((side, level) => {
    etaPattern(side).forEach((value, at) => {
      table[(level * largest + Math.floor(at / side)) * largest + (at % side)] = value;
    });
  });
  const values = tensor1d(table);
  const overImages = (ofExamples: Tensor): Tensor4D => reshape(ofExamples, [-1, 1, 1, 1]);
  return {
    sides: tensor1d(sides, 'int32'),
    /** Each example's η in its window, 0 outside, `[b, h, w, 1]`; on its side where `orientation` is 0.5 or more. */
    patterns: ({ rows, columns, inside }: Windows, level: Tensor1D, orientation: Tensor) => {
      const lying = cast(greaterEqual(overImages(orientation), 0.5), 'float32');
      const rowStride = sub(largest, mul(lying, largest - 1));
      const columnStride = sub(largest + 1, rowStride);
      const within = (offset: Tensor4D) => clipByValue(offset, 0, largest - 1);
      const at = add(
        add(mul(within(rows), rowStride), mul(within(columns), columnStride)),
        mul(overImages(cast(level, 'float32')), largest ** 2),
      );
      return mul(gather(values, cast(at, 'int32')), cast(inside, 'float32'));
    },
  };
}
