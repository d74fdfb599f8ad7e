import { accuracyOf, type Evaluation, fgsm, pgd, square, untargeted } from '@llr/attacks';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../src/obfuscation/evidence.ts';
import { judge } from '../src/obfuscation/judge.ts';
import { neighbourCorrelation } from '../src/obfuscation/neighbour-correlation.ts';

const total = 200;
const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

/** Which examples each attack broke, by index; of 200, all of which are right unperturbed. */
type Broken = Record<string, readonly number[]>;

const names = {
  fgsm: 'fgsm',
  pgd: 'pgd-50',
  one: 'untargeted-1',
  usual: 'untargeted-50',
  most: 'untargeted-200',
  starts: 'starts',
  every: 'every class',
  square: 'square-1000',
};

/** A network of which every attack breaks the first 80 examples, one step the first 60. */
const honest: Broken = {
  [names.fgsm]: upTo(60),
  [names.pgd]: upTo(78),
  [names.one]: upTo(60),
  [names.usual]: upTo(80),
  [names.most]: upTo(80),
  [names.starts]: upTo(80),
  [names.every]: upTo(80),
  [names.square]: upTo(50),
};

function evaluationOf(broken: Broken, later: readonly number[] = []): Evaluation {
  const attacks = Object.keys(broken);
  const examples = upTo(total).map((index) => {
    const brokenIn = Object.fromEntries(
      attacks.map((name) => {
        const run = later.includes(index) && name === names.starts ? 'restart 4' : 'restart 0';
        return [name, broken[name]!.includes(index) ? run : null];
      }),
    );
    const by = attacks.find((name) => brokenIn[name] !== null) ?? null;
    return { index, label: index % 10, prediction: index % 10, brokenBy: by, brokenIn };
  });
  const robust = examples.filter(({ brokenBy }) => brokenBy === null).length;
  return {
    classifier: 'made up',
    classes: 10,
    data: 'made up, test',
    threat: { name: 'linf', epsilon: 0.1 },
    seed: 0,
    batchSize: 64,
    activeSet: 'within-attack',
    clean: accuracyOf(total, total),
    robust: accuracyOf(robust, total),
    attacks: attacks.map((name) => ({
      name,
      access: name === names.square ? 'black-box' : 'white-box',
      accuracy: accuracyOf(total - broken[name]!.length, total),
      attacked: total,
      broken: broken[name]!.length,
      tries: total,
      seconds: 0,
      targetedSuccess: null,
    })),
    warnings: [],
    examples,
  };
}

interface Changes {
  broken?: Broken;
  /** Broken by the fifth start only. */
  later?: readonly number[];
  byEpsilon?: readonly (readonly [epsilon: number, broken: number])[];
  warnings?: readonly string[];
  gammas?: readonly number[];
  correlations?: readonly number[];
  grey?: number | null;
}

function judged(changes: Changes = {}) {
  const evaluation = evaluationOf({ ...honest, ...changes.broken }, changes.later);
  evaluation.warnings = (changes.warnings ?? []).map((check) => ({ check, message: check }));
  const step = (steps: number) => untargeted({ steps, stepSize: 0.1 });
  const usual = step(50);
  const evidence: Evidence = {
    attacks: {
      oneStep: fgsm(),
      crossEntropy: pgd({ steps: 50, stepSize: 0.1 }),
      usual,
      bySteps: [
        { steps: 1, attack: step(1) },
        { steps: 50, attack: usual },
        { steps: 200, attack: step(200) },
      ],
      restarts: untargeted({ steps: 20, stepSize: 0.1, restarts: 5, name: names.starts }),
      multiTargeted: untargeted({ steps: 50, stepSize: 0.1, name: names.every }),
      blackBox: [square({ queries: 1000 })],
    },
    evaluation,
    byEpsilon: (
      changes.byEpsilon ?? [[0.05, 40] as const, [0.1, 80] as const, [0.5, 200] as const]
    ).map(([epsilon, broken]) => ({
      epsilon,
      evaluation: evaluationOf({ [names.usual]: upTo(broken) }),
    })),
    grey: changes.grey === undefined ? 0.5 : changes.grey,
    gammas: (changes.gammas ?? upTo(total).map(() => 0.1)).map((gamma, index) => ({
      index,
      gamma,
    })),
    correlations: changes.correlations ?? [0.4, 0.6],
  };
  const { reasons, ...found } = judge(evidence);
  const failed = reasons.filter(({ outcome }) => outcome === 'failed');
  return { ...found, reasons, failed: failed.map(({ check }) => check) };
}

it('clears a network about which nothing is odd', () => {
  const { verdict, failed, summary } = judged();
  expect(failed).toEqual([]);
  expect(verdict).toBe('clear');
  expect(summary).toContain(
    '100.0 % are right unperturbed, 70.0 % after a single step, 60.0 % after everything',
  );
});

it('says of a network that is broken everywhere that it is not robust, and hides nothing', () => {
  const broken = Object.fromEntries(
    Object.keys(honest).map((name) => [name, upTo(name === names.fgsm ? 150 : total)]),
  );
  const { verdict, summary } = judged({ broken, correlations: [0] });
  expect(verdict).toBe('clear');
  expect(summary).toContain('not robust, and nothing hides that');
  expect(summary).toContain('One hint, nothing by itself: noise.');
});

const high = upTo(total).map(() => 2);

describe('masked', () => {
  it.each<[string, Changes]>([
    // As ADV-2: one step breaks little of what is broken.
    ['one step', { broken: { [names.fgsm]: upTo(20) } }],
    // Others than those that many steps break.
    ['more steps', { broken: { [names.fgsm]: upTo(120, 40) } }],
    ['more steps', { broken: { [names.most]: upTo(60), [names.every]: upTo(60) } }],
    ['losses', { broken: { [names.pgd]: upTo(20) } }],
    ['black box', { broken: { [names.square]: upTo(100) } }],
    [
      'radius',
      {
        byEpsilon: [
          [0.1, 80],
          [0.5, 160],
        ],
      },
    ],
    [
      'radius',
      {
        byEpsilon: [
          [0.1, 80],
          [0.3, 60],
          [0.5, 200],
        ],
      },
    ],
    ['gradients', { warnings: ['zero-gradients'] }],
    ['gradients', { warnings: ['no-ascent'] }],
  ])('%s', (check, changes) => {
    const { verdict, failed, summary } = judged(changes);
    expect(failed).toContain(check);
    expect(verdict).toBe('masked');
    expect(summary).toContain(check);
  });
});

describe('suspicious', () => {
  it.each<[string[], Changes]>([
    [['convergence'], { broken: { [names.most]: upTo(95) } }],
    [['restarts'], { later: upTo(20) }],
    [['losses'], { broken: { [names.pgd]: upTo(45) } }],
    [['black box'], { broken: { [names.square]: upTo(83) } }],
    [['network'], { warnings: ['randomized'] }],
    [['local linearity', 'noise'], { gammas: high, correlations: [0.01] }],
    [[], { grey: null }],
  ])('%s', (checks, changes) => {
    const { verdict, failed } = judged(changes);
    expect(failed).toEqual(checks);
    expect(verdict).toBe('suspicious');
  });
});

it('says of what would fail, were there more examples, that it may be chance', () => {
  // 38 of 86 are fewer than half, but the interval goes up to 55 %; the others likewise.
  const { verdict, reasons } = judged({
    broken: { [names.fgsm]: upTo(38), [names.most]: upTo(86), [names.pgd]: upTo(56) },
    later: upTo(10),
  });
  expect(verdict).toBe('clear');
  const chance = reasons.filter(({ text }) => text.includes('may be chance'));
  expect(chance.map(({ check }) => check)).toEqual([
    'one step',
    'convergence',
    'restarts',
    'losses',
  ]);
});

describe('neither', () => {
  it.each<[string, Changes, string[]]>([
    ['one hint', { gammas: high }, ['local linearity']],
    ['the other hint', { correlations: [0.01] }, ['noise']],
    [
      'high γ where one step breaks the example anyway',
      {
        broken: Object.fromEntries(Object.keys(honest).map((name) => [name, upTo(120)])),
        gammas: high,
      },
      [],
    ],
    ['no perturbation to look at', { correlations: [] }, []],
    ['a black box that finds a single example', { broken: { [names.square]: upTo(81) } }, []],
    [
      'a few that a larger ball loses',
      {
        byEpsilon: [
          [0.1, 80],
          [0.3, 76],
          [0.5, 200],
        ],
      },
      [],
    ],
    [
      'the commonest class being left',
      {
        byEpsilon: [
          [0.1, 80],
          [0.5, 180],
        ],
      },
      [],
    ],
    ['some that needed a second start', { later: upTo(5) }, []],
    ['a self-check that other checks repeat on all examples', { warnings: ['no-effect'] }, []],
  ])('%s', (_, changes, checks) => {
    const { verdict, failed } = judged(changes);
    expect(failed).toEqual(checks);
    expect(verdict).toBe('clear');
  });
});

describe('the correlation of neighbours', () => {
  const size = 20;
  const grey = new Float32Array(size * size).fill(0.5);
  const shape = [size, size, 1] as const;
  const of = (value: (row: number, column: number) => number) =>
    Float32Array.from({ length: size * size }, (_, at) => value(Math.floor(at / size), at % size));

  it('is 1 of a constant, −1 of a chessboard, and that of its period of a wave', () => {
    expect(
      neighbourCorrelation(
        grey,
        of(() => 0.1),
        shape,
      ),
    ).toBeCloseTo(1, 6);
    const board = of((row, column) => ((row + column) % 2 === 0 ? 0.1 : -0.1));
    expect(neighbourCorrelation(grey, board, shape)).toBeCloseTo(-1, 6);
    // Down the columns all pixels are alike, along the rows their correlation is about cos(2π/10).
    const wave = of((_, column) => 0.1 * Math.cos((2 * Math.PI * column) / 10));
    expect(neighbourCorrelation(grey, wave, shape)).toBeCloseTo(
      (1 + Math.cos(0.2 * Math.PI)) / 2,
      1,
    );
  });

  it('of noise is about 0, and of no pixel free to move unknown', () => {
    const noise = of((row, column) => Math.sin(12.9898 * (row * size + column + 1) ** 2));
    const small = noise.map((value) => value * 0.1);
    expect(Math.abs(neighbourCorrelation(grey, small, shape)!)).toBeLessThan(0.1);
    expect(neighbourCorrelation(new Float32Array(size * size), small, shape)).toBeNull();
    expect(neighbourCorrelation(grey, new Float32Array(size * size), shape)).toBeNull();
  });

  it('leaves out pixels that have no room', () => {
    // A black half, where the perturbation can only be 0 or more: there it would look smooth.
    const image = of((row) => (row < 10 ? 0 : 0.5));
    const noise = of((row, column) => 0.1 * Math.sin(12.9898 * (row * size + column + 1) ** 2));
    const clipped = noise.map((value, at) => (image[at] === 0 ? Math.abs(value) : value));
    const below = of((row) => (row < 10 ? 0 : 1)).map((one, at) => one * noise[at]!);
    expect(neighbourCorrelation(image, clipped, shape)).toBeCloseTo(
      neighbourCorrelation(image, below, shape)!,
      6,
    );
    expect(neighbourCorrelation(grey, clipped, shape)).toBeGreaterThan(0.2);
  });
});
