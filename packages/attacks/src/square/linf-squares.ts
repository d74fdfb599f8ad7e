import type { Problem } from '@llr/core';
import {
  add,
  any,
  div,
  floor,
  gather,
  greater,
  greaterEqual,
  logicalAnd,
  minimum,
  mul,
  neg,
  notEqual,
  onesLike,
  reshape,
  sub,
  type Tensor,
  type Tensor4D,
  tensor1d,
  unstack,
  where,
} from '@tensorflow/tfjs-core';
import { ofQuery, type SearchDistribution } from './search-distribution.ts';
import { linfSides } from './square-size.ts';
import { windowsOn } from './windows.ts';

/**
 * The ℓ∞ search (Andriushchenko et al. 2020, Sec. 3.2 and Algorithm 2): every pixel is always moved by ε up or down, as far
 * as the box allows. Starts from vertical stripes of one colour each; tries squares of one colour.
 *
 * As in the authors' code, colours that would change nothing are drawn again, so that no query is wasted: one after the other
 * there, at once here, with the same probabilities.
 */
export const linfSquares: SearchDistribution = {
  start: (problem) => {
    const { images, random } = problem;
    const [batch, , width, channels] = images.shape;
    const { up, down } = extremes(problem);
    const stripes = random.fork('stripes').uniform([batch, 1, width, channels]);
    return where(greaterEqual(stripes, 0.5), up, down);
  },
  stage: (problem, queries) => {
    const { images, random } = problem;
    const [batch, height, width, channels] = images.shape;
    const { up, down } = extremes(problem);
    const sides = tensor1d(linfSides(height, width), 'int32');
    const windows = windowsOn(height, width);
    const places = random.fork('places').uniform([batch, queries, 2]);
    const colours = random.fork('colours').uniform([batch, queries, channels]);
    const others = random.fork('other colours').uniform([batch, queries]);
    const changeOf = changeOfColour(channels);
    return (perturbation, level, query) => {
      const [y, x] = unstack(ofQuery(places, query), 1);
      const { inside } = windows(gather(sides, level), [y!, x!]);
      const colour = sub(mul(2, greaterEqual(ofQuery(colours, query), 0.5)), 1);
      const of = (colour: Tensor): Tensor4D =>
        where(greater(reshape(colour, [batch, 1, 1, channels]), 0), up, down);
      const changes = any(logicalAnd(inside, notEqual(of(colour), perturbation)), [1, 2, 3]);
      const changed = changeOf(ofQuery(others, query));
      const effective = mul(
        colour,
        where(reshape(changes, [batch, 1]), onesLike(changed), changed),
      );
      return where(inside, of(effective), perturbation);
    };
  },
};

/** Every pixel moved as far up as is allowed, and as far down. */
function extremes({ images, threat }: Problem): { up: Tensor4D; down: Tensor4D } {
  const radius = mul(onesLike(images), reshape(threat.radius, [-1, 1, 1, 1])) as Tensor4D;
  return { up: threat.project(radius, images), down: threat.project(neg(radius), images) };
}

/** Only this many channels are drawn again: by chance alone, one colour in 65,536 matches so many. */
const mostChannels = 16;

/**
 * Draws one of the other colours: which channels change their sign (−1) and which don't (1), all combinations but "none" as
 * likely, from a uniform number for each example `[b]`. Gives `[b, channels]`.
 */
function changeOfColour(channels: number) {
  const combinations = 2 ** Math.min(channels, mostChannels) - 1;
  const bits = tensor1d(Array.from({ length: channels }, (_, channel) => 2 ** channel));
  return (uniform: Tensor): Tensor => {
    const drawn = add(1, minimum(floor(mul(uniform, combinations)), combinations - 1));
    const quotient = div(reshape(drawn, [-1, 1]), bits);
    const bit = sub(floor(quotient), mul(2, floor(div(quotient, 2))));
    return sub(1, mul(2, bit));
  };
}
