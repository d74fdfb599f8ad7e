import {
  type Batch,
  type BoundCheck,
  type Classifier,
  checkCrossEntropyBound,
  checkLossBound,
  checkSquaredErrorBound,
  crossEntropy,
  localLinearity,
  localLinearityObjective,
  lossObjective,
  type Maximizer,
  type PerExampleLoss,
  type RandomSource,
  squaredError,
  type ThreatModel,
} from '@llr/core';
import { dispose, maximum, type Tensor1D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { BoundName, BoundPair, BoundPerturbation, MeasuredBounds } from '../bounds-report.ts';
import { type Search, searchOf } from '../measurement/search.ts';

/** Checks the inequalities for batches of images. */
export interface BoundChecks {
  /** @param count - of the first so many images of the batch */
  of(batch: Batch, count: number, random: RandomSource): Promise<MeasuredBounds[]>;
  dispose(): void;
}

/** What is checked: a network, images, and one δ for each. */
type Input = Parameters<typeof checkSquaredErrorBound>[0] & { labels: Tensor1D; gamma: Tensor1D };

/** One inequality at one δ for each image. */
type Side = {
  name: BoundName;
  perturbation: BoundPerturbation;
  left: Tensor1D;
  right: Tensor1D;
  /** Where there is one, `right` is left to it, which doesn't overflow. */
  logRight?: Tensor1D;
  holds: Tensor1D;
};

/** The inequalities of one loss, and how γ of that loss is searched. */
interface Family {
  loss: PerExampleLoss;
  checks(input: Input): Partial<Record<BoundName, BoundCheck & { logRight?: Tensor1D }>>;
}

const families: readonly Family[] = [
  {
    loss: crossEntropy,
    checks: (input) => ({
      'Prop. 4.1': checkLossBound(input),
      'Prop. C.2': checkCrossEntropyBound(input),
    }),
  },
  {
    loss: squaredError,
    checks: (input) => {
      const printed = checkSquaredErrorBound(input);
      const { left, tightRight: right, tightSlack: slack, tightHolds: holds } = printed;
      return { 'Prop. C.1': printed, 'Prop. C.1, tight': { left, right, slack, holds } };
    },
  },
];

export function boundChecks(setting: {
  classifier: Classifier;
  threat: ThreatModel;
  maximizer: Maximizer;
}): BoundChecks {
  const { classifier, threat } = setting;
  const logits = classifier.freeze('running');
  const attack = searchOf({ ...setting, objective: lossObjective() });
  const searches = families.map(({ loss }) =>
    searchOf({ ...setting, objective: localLinearityObjective({ loss }) }),
  );
  const measured = ({ images, labels, indices }: Batch, random: RandomSource) => {
    const adversarial = attack({ images, labels, indices }, random.fork('adversarial'));
    const uniform = threat.start(images, random.fork('random'));
    const inFamilies = families.map(({ loss, checks }, i) => {
      const search: Search = searches[i]!;
      const leastLinear = search({ images, labels, indices }, random.fork('least-linear', i));
      const perturbations: readonly (readonly [BoundPerturbation, Tensor4D])[] = [
        ['adversarial', adversarial.perturbation],
        ['least linear', leastLinear.perturbation],
        ['random', uniform],
      ];
      const at = { logits, images, labels };
      const gamma = perturbations
        .map(([, perturbation]) => localLinearity({ ...at, perturbation, loss }).error)
        .reduce((a, b) => maximum(a, b), leastLinear.value);
      const sides = perturbations.flatMap(([name, perturbation]) =>
        sidesOf(name, checks({ ...at, perturbation, gamma })),
      );
      return { gamma, sides };
    });
    return {
      loss: crossEntropy(logits(images), labels),
      labels: labels.clone(),
      gammas: inFamilies.map(({ gamma }) => gamma),
      sides: inFamilies.flatMap(({ sides }) => sides),
    };
  };
  return {
    of: async (batch, count, random) => {
      const tensors = tidy(() => measured(batch, random));
      try {
        return await read(tensors, batch.indices.subarray(0, count));
      } finally {
        dispose(tensors);
      }
    },
    dispose: () => {
      for (const search of [attack, ...searches]) search.dispose();
    },
  };
}

const sidesOf = (perturbation: BoundPerturbation, checks: ReturnType<Family['checks']>): Side[] =>
  Object.entries(checks).map(([name, { left, right, logRight, holds }]) => ({
    name: name as BoundName,
    perturbation,
    left,
    right,
    ...(logRight && { logRight }),
    holds,
  }));

/** From tensors `[b]` to something for each image. */
async function read(
  tensors: { loss: Tensor1D; labels: Tensor1D; gammas: Tensor1D[]; sides: Side[] },
  indices: Int32Array,
): Promise<MeasuredBounds[]> {
  const [losses, labels] = [await tensors.loss.data(), await tensors.labels.data()];
  const gammas = await Promise.all(tensors.gammas.map((gamma) => gamma.data()));
  const sides = await Promise.all(
    tensors.sides.map(async ({ name, perturbation, left, right, logRight, holds }) => ({
      name,
      perturbation,
      left: await left.data(),
      // In double precision, where it takes a loss of 1400 nats to overflow.
      right: logRight
        ? Array.from(await logRight.data(), (log) => finite(Math.exp(log)))
        : await right.data(),
      holds: await holds.data(),
    })),
  );
  return Array.from(indices, (index, row) => {
    const pairs: MeasuredBounds['pairs'] = {
      'Prop. 4.1': [],
      'Prop. C.1': [],
      'Prop. C.1, tight': [],
      'Prop. C.2': [],
    };
    for (const { name, perturbation, ...side } of sides) {
      const [left, right] = [side.left[row]!, side.right[row]!];
      const pair: BoundPair = {
        index,
        perturbation,
        left,
        right,
        slack: right - left,
        holds: side.holds[row] === 1,
      };
      pairs[name].push(pair);
    }
    const example = {
      index,
      label: labels[row]!,
      loss: losses[row]!,
      gamma: gammas[0]![row]!,
      gammaSquaredError: gammas[1]![row]!,
    };
    return { example, pairs };
  });
}

/** An overflow is the largest number there is, since JSON has no infinity. What is no number stays so. */
const finite = (value: number): number => (value === Infinity ? Number.MAX_VALUE : value);
