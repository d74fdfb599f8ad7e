import { accuracyOf, type Evaluation } from '@llr/attacks';
import { type LossSurface, type Panel, panels, type ReportInput } from '../src/index.ts';
import { madeUpBounds, madeUpVerdict } from './made-up-measures.ts';

const classNames = [
  'T-shirt',
  'trouser',
  'pullover',
  'dress',
  'ankle boot',
  'a',
  'b',
  'c',
  'bag',
  'd',
];

/** A report's input as a quick start might make it, from formulas: the numbers mean nothing. */
export function madeUpReport(): ReportInput {
  const epsilon = Math.fround(0.1);
  return {
    title: 'LLR against nominal training on Fashion-MNIST',
    networks: [
      {
        name: 'nominal',
        evaluation: evaluation(epsilon, 881, [412, 96, 84], 83),
        curves: curves([0.92, 0.55, 0.44, 0.39, 0.35, 0.33], [0.66, 0.8, 0.84, 0.86, 0.875, 0.884]),
        surfaces: [
          surface(
            (u, v) => 0.04 + 4.4 / (1 + Math.exp(-7 * (u + 0.35 * Math.cos(4 * v + 1) - 0.4))),
          ),
        ],
        gammas: gammas(1000, 1.7, 0.45),
        bounds: madeUpBounds(10),
        verdict: madeUpVerdict('clear'),
        classNames,
        settings: { seed: 0, train: { epochs: 6 } },
        panels: madeUpPanels([3, 4, 0]),
        details: {
          parameters: '24,310',
          objective: 'cross-entropy',
          epochs: '6',
          'training time': '21 s',
        },
      },
      {
        name: 'LLR',
        evaluation: evaluation(epsilon, 840, [702, 641, 623], 618),
        curves: [
          ...curves([2.6, 1.9, 1.72, 1.64, 1.58, 1.55], [0.6, 0.74, 0.78, 0.8, 0.815, 0.824]),
          { name: 'linearity error', points: [0.31, 0.21, 0.17, 0.15, 0.14, 0.135].map(point) },
        ],
        surfaces: [surface((u, v) => 0.62 + 0.55 * u + 0.06 * v + 0.05 * u * u)],
        gammas: gammas(1000, 0.32, 0.5),
        bounds: madeUpBounds(1),
        verdict: madeUpVerdict('clear'),
        classNames,
        settings: { seed: 0, train: { epochs: 6 } },
        panels: madeUpPanels([1, 4, 2]),
        details: {
          parameters: '24,310',
          objective: 'LLR, λ = 4, μ = 3, 3 Adam steps',
          epochs: '6',
          'training time': '1 min 22 s',
        },
      },
    ],
    details: {
      engine: 'wasm 4.22.0',
      seed: '0',
      node: '20.20.2',
      LLR: '0.1.0',
      'training images': '10,000',
      'total time': '3 min 12 s',
    },
  };
}

const point = (value: number, i: number) => ({ epoch: i + 1, value });

function curves(loss: number[], accuracy: number[]) {
  return [
    { name: 'loss', points: loss.map(point) },
    { name: 'training accuracy', points: accuracy.map(point) },
  ];
}

function evaluation(
  epsilon: number,
  clean: number,
  attacked: number[],
  robust: number,
): Evaluation {
  const names = ['FGSM', 'PGD-20', 'Multi-Targeted'];
  return {
    classifier: 'made up',
    classes: 10,
    data: 'fashion-mnist, test',
    threat: { name: 'linf', epsilon },
    seed: 0,
    batchSize: 128,
    activeSet: 'within-attack',
    warnings: [],
    clean: accuracyOf(clean, 1000),
    robust: accuracyOf(robust, 1000),
    attacks: attacked.map((correct, i) => ({
      name: names[i]!,
      accuracy: accuracyOf(correct, 1000),
      access: 'white-box',
      attacked: clean,
      broken: clean - correct,
      tries: [1, 1, 9][i]! * clean,
      targetedSuccess: null,
      seconds: [0.4, 6.2, 21.4][i]!,
    })),
    examples: [],
  };
}

function surface(loss: (u: number, v: number) => number): LossSurface {
  const axis = Array.from({ length: 25 }, (_, i) => i / 12 - 1);
  return {
    adversarial: axis,
    random: axis,
    values: axis.map((v) => axis.map((u) => loss(u, v))),
    epsilon: Math.fround(0.1),
    index: 126,
    label: 8,
    loss: 'cross-entropy',
    seed: 0,
  };
}

/** Log-normal in shape, by an even sweep of quantiles. */
function gammas(n: number, median: number, spread: number): number[] {
  return Array.from({ length: n }, (_, i) => {
    const logit = Math.log((i + 0.5) / (n - i - 0.5));
    return median ** 2 * Math.exp(2 * spread * 0.6 * logit);
  });
}

function madeUpPanels(adversarial: number[]): Panel[] {
  const size = 28;
  const each = (draw: (x: number, y: number) => number) =>
    Array.from({ length: size * size }, (_, i) =>
      draw((i % size) / 27 - 0.5, Math.floor(i / size) / 27 - 0.5),
    );
  const shapes = [
    (x: number, y: number) => Math.hypot(x, y * 1.3) < 0.38,
    (x: number, y: number) => Math.abs(y) < 0.42 && Math.abs(Math.abs(x) - 0.13) < 0.09,
    (x: number, y: number) => Math.abs(x) < 0.4 - 0.4 * Math.abs(y),
  ];
  return panels({
    inputShape: [size, size, 1],
    classNames,
    epsilon: 0.1,
    examples: shapes.map((inside, k) => ({
      index: [7, 126, 300][k]!,
      image: each((x, y) => (inside(x, y) ? 0.55 + 0.3 * Math.cos(9 * x + 5 * y) * 0.8 : 0.12)),
      perturbation: each(
        (x, y) =>
          0.1 * Math.sign(Math.sin(31 * x * (k + 1) + adversarial[k]!) * Math.cos(23 * y + x * 40)),
      ),
      label: [0, 1, 2][k]!,
      prediction: [0, 1, 2][k]!,
      adversarialPrediction: adversarial[k]!,
    })),
  });
}
