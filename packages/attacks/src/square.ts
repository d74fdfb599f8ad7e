import { margin, type Problem, type StagedAttack, type ThreatModel } from '@llr/core';
import { iterate } from '@llr/engine';
import {
  add,
  cast,
  gather,
  greater,
  less,
  lessEqual,
  logicalAnd,
  logicalOr,
  type NamedTensorMap,
  notEqual,
  relu,
  reshape,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  where,
  zeros,
} from '@tensorflow/tfjs-core';
import { ascent } from './compiled-ascent.ts';
import { assertRestarts, restartRuns } from './restarts.ts';
import { l2Squares } from './square/l2-squares.ts';
import { linfSquares } from './square/linf-squares.ts';
import type { SearchDistribution } from './square/search-distribution.ts';
import { sizeLevel } from './square/square-size.ts';

export interface SquareOptions {
  /** How many perturbations are tried after the first. Default 5000, as in AutoAttack. */
  queries?: number;
  /** Independent searches. Default 1. */
  restarts?: number;
  /** Default `square-<queries>`. */
  name?: string;
}

/**
 * The Square attack (Andriushchenko et al. 2020) in ℓ∞ and ℓ2: a random search that asks the network for logits only. Each
 * query changes one square of the perturbation, and keeps the change where it raises the margin max_{j ≠ y} z_j − z_y; the
 * squares become smaller as the search goes on, from p = 0.8 of the pixels. A search that has found a misclassified image
 * keeps it.
 *
 * @throws RangeError when `queries` or `restarts` is not a whole number above 0
 */
export function square(options: SquareOptions = {}): StagedAttack {
  const { queries = 5000, restarts = 1, name = `square-${queries}` } = options;
  assertRestarts(restarts);
  if (!Number.isInteger(queries) || queries < 1) {
    throw new RangeError(`queries must be a whole number above 0; got ${queries}.`);
  }
  const stages = Math.ceil(queries / queriesPerStage);
  return {
    name,
    settings: { queries, restarts },
    access: 'black-box',
    runs: () => restartRuns(restarts),
    stages,
    begin: ascent(`${name}, start`, begin),
    advance: ascent(name, (problem, state: NamedTensorMap) =>
      search(problem, state, queries, Math.ceil(queries / stages)),
    ),
  };
}

/** Many, so that what is done between stages costs little; few, so that a broken example soon makes room. */
const queriesPerStage = 50;

const distributions: Readonly<Record<string, SearchDistribution>> = {
  linf: linfSquares,
  l2: l2Squares,
};

function distributionFor({ name }: ThreatModel): SearchDistribution {
  const found = distributions[name];
  if (!found) {
    throw new Error(`The Square attack knows the threat models linf and l2; got "${name}".`);
  }
  return found;
}

const marginAt = ({ images, labels, logits }: Problem, perturbation: Tensor4D): Tensor1D =>
  margin(logits(add(images, perturbation)), labels);

function begin(problem: Problem): NamedTensorMap {
  const perturbation = distributionFor(problem.threat).start(problem);
  return {
    perturbation,
    margin: marginAt(problem, perturbation),
    // After the first perturbation's.
    queries: zeros([problem.images.shape[0]], 'int32'),
  };
}

function search(
  problem: Problem,
  state: NamedTensorMap,
  queries: number,
  inStage: number,
): NamedTensorMap {
  const propose = distributionFor(problem.threat).stage(problem, inStage);
  const levels = tensor1d(
    Array.from({ length: queries + 1 }, (_, done) => sizeLevel(done, queries)),
    'int32',
  );
  // An image with a positive margin that comes back was judged to be classified rightly after all, by a last bit: more is
  // needed.
  const enough = relu(state.margin as Tensor1D);
  return iterate<NamedTensorMap>(inStage, state, (at, query) => {
    const best = at.perturbation as Tensor4D;
    const candidate = propose(best, gather(levels, at.queries as Tensor1D) as Tensor1D, query);
    const found = marginAt(problem, candidate);
    // A margin that is not a number is kept, so that it shows in the result.
    const better = logicalOr(greater(found, at.margin!), notEqual(found, found));
    const searching = logicalAnd(lessEqual(at.margin!, enough), less(at.queries!, queries));
    const accepted = logicalAnd(searching, better);
    return {
      perturbation: where(reshape(accepted, [-1, 1, 1, 1]), candidate, best),
      margin: where(accepted, found, at.margin!),
      queries: add(at.queries!, cast(searching, 'int32')),
    };
  });
}
