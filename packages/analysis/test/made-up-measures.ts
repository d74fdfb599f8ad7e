import { accuracyOf } from '@llr/attacks';
import type { BoundPair, BoundsReport, ObfuscationVerdict } from '../src/index.ts';

const epsilon = Math.fround(0.1);
const perturbations = ['adversarial', 'least linear', 'random'] as const;

/** Pairs on a spiral below the diagonal; of the images named, the least linear perturbation is above it. */
export function madeUpBounds(spread: number, failing: readonly number[] = []): BoundsReport {
  const images = Array.from({ length: 200 }, (_, index) => index);
  const names = ['Prop. 4.1', 'Prop. C.1', 'Prop. C.2'] as const;
  return {
    threat: { name: 'linf', epsilon },
    seed: 0,
    examples: images.map((index) => ({
      index,
      label: index % 10,
      loss: 1,
      gamma: 0.1,
      gammaSquaredError: 0.05,
    })),
    propositions: names.map((name, k) => {
      const pairs = images.flatMap((index) =>
        perturbations.map((perturbation, p): BoundPair => {
          const right = spread * 10 ** (Math.sin(index + k) - 1 + 0.3 * p);
          const holds = !(k === 0 && p === 1 && failing.includes(index));
          const left = holds ? right * (0.5 + 0.45 * Math.cos(3 * index + p)) : 1.5 * right;
          return { index, perturbation, left, right, slack: right - left, holds };
        }),
      );
      const slacks = pairs.map(({ slack }) => slack).sort((a, b) => a - b);
      return {
        name,
        source: ['Section 4', 'Appendix C', 'Appendix C'][k]!,
        formula: { left: '|ℓ(x+δ) − ℓ(x)|', right: '|δᵀ∇ₓℓ(x)| + γ(ε, x)' },
        loss: 'cross-entropy',
        pairs,
        quantiles: [0, 0.5, 1].map((q) => ({
          q,
          value: slacks[Math.round(q * (slacks.length - 1))]!,
        })),
        violations: k === 0 ? [...failing] : [],
      };
    }),
  };
}

/** A network that is robust, or one that only seems so. */
export function madeUpVerdict(verdict: 'clear' | 'masked'): ObfuscationVerdict {
  const masked = verdict === 'masked';
  const points = (places: number[], correct: number[]) =>
    places.map((at, i) => ({ at, accuracy: accuracyOf(correct[i]!, 100) }));
  return {
    verdict,
    summary: masked
      ? 'Attacks without gradients break images that attacks by gradients do not.'
      : 'Nothing speaks for masked gradients.',
    reasons: [
      {
        check: 'black box',
        outcome: masked ? 'failed' : 'passed',
        weight: 'masked',
        text: masked
          ? 'Square leaves 12 % where PGD leaves 61 %.'
          : 'Square leaves 65 %, PGD 58 %.',
      },
      {
        check: 'large ε',
        outcome: masked ? 'failed' : 'passed',
        weight: 'suspicious',
        text: 'The accuracy at the largest ε.',
      },
      {
        check: 'transfer',
        outcome: 'not run',
        weight: 'masked',
        text: 'There was no other network.',
      },
    ],
    classifier: 'made up',
    data: 'fashion-mnist, test[0:100]',
    threat: { name: 'linf', epsilon },
    seed: 0,
    clean: accuracyOf(84, 100),
    robust: accuracyOf(masked ? 12 : 56, 100),
    curves: {
      steps: points([1, 5, 20, 200], masked ? [80, 72, 66, 61] : [66, 60, 58, 57]),
      restarts: points([1, 10], masked ? [61, 44] : [57, 57]),
      epsilon: points([0.05, 0.1, 0.2, 0.4], masked ? [70, 61, 50, 41] : [71, 57, 14, 0]),
    },
    attacks: [
      { name: 'FGSM', access: 'white-box', accuracy: accuracyOf(masked ? 80 : 66, 100) },
      { name: 'PGD-200', access: 'white-box', accuracy: accuracyOf(masked ? 61 : 57, 100) },
      { name: 'Square', access: 'black-box', accuracy: accuracyOf(masked ? 12 : 65, 100) },
    ],
    gamma: {
      images: 100,
      mean: masked ? 3.1 : 0.34,
      quantiles: [
        { q: 0.5, value: masked ? 2.8 : 0.31 },
        { q: 0.95, value: masked ? 6.2 : 0.7 },
      ],
    },
    noise: { images: 90, correlation: masked ? null : 0.41 },
    warnings: [],
  };
}
