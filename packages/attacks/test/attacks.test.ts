import {
  adam,
  crossEntropy,
  l2Ball,
  linfBall,
  lossObjective,
  margin,
  momentum,
  piecewise,
  type SimpleAttack,
  sign,
  steepest,
  targetedObjective,
} from '@llr/core';
import { inputGradient } from '@llr/engine';
import { add, neg, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fgsm,
  leastLikely,
  multiTargeted,
  paperSuite,
  pgd,
  randomTargeted,
  untargeted,
} from '../src/index.ts';
import {
  type Example,
  examplesFor,
  type Linear,
  linear,
  mlp,
  numbers,
  type Shape,
} from './helpers.ts';
import {
  disposeProblem,
  perturbationsOf,
  perturbed,
  problemOf,
  valuesByExample,
} from './problems.ts';

const shape: Shape = [3, 2, 2];
const pixels = 12;

const weight = ({ weights, classifier }: Linear, pixel: number, k: number) =>
  weights[pixel * classifier.numClasses + k]!;

/** The perturbation of a linear classifier that raises z_t − z_y the most, ball and box included. */
const best = (net: Linear, { image, label }: Example, target: number, epsilon: number) =>
  image.map((x, i) => {
    const towards = Math.sign(weight(net, i, target) - weight(net, i, label));
    return Math.min(1, Math.max(0, x + epsilon * towards)) - x;
  });

/** How much a perturbation raises z_t − z_y. */
const rise = (net: Linear, { label }: Example, target: number, delta: Float32Array) =>
  delta.reduce((s, d, i) => s + d * (weight(net, i, target) - weight(net, i, label)), 0);

/** From the likeliest to the least likely, by hand. */
const wrongClasses = (net: Linear, { image, label }: Example) => {
  const logit = (k: number) => image.reduce((s, x, i) => s + x * weight(net, i, k), net.bias[k]!);
  const classes = [...Array(net.classifier.numClasses).keys()].filter((k) => k !== label);
  return classes.sort((a, b) => logit(b) - logit(a));
};

const near = (found: Float32Array, wanted: Float32Array) =>
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i]!, 6);
  });

describe('fgsm', () => {
  test('finds the best perturbation of a linear classifier of two classes in one step', async () => {
    const net = linear(1, shape, 2);
    const examples = examplesFor(net.classifier, 2, 9);
    for (const epsilon of [0.03, 0.1, 0.6]) {
      expect(fgsm().runs(net.classifier)).toHaveLength(1);
      const found = await perturbed(fgsm(), net.classifier, examples, linfBall(epsilon));
      found.forEach((delta, i) => {
        near(delta, best(net, examples[i]!, 1 - examples[i]!.label, epsilon));
      });
    }
  });

  test('lowers the margin by ε‖w_t − w_y‖₁ where the box does not bind', async () => {
    const net = linear(1, shape, 2);
    const image = numbers(5, pixels, 0.3, 0.7);
    const example = { index: 0, image, label: 1 };
    const [delta] = await perturbed(fgsm(), net.classifier, [example], linfBall(0.1));
    const norm = image.reduce(
      (sum, _, i) => sum + Math.abs(weight(net, i, 0) - weight(net, i, 1)),
      0,
    );
    expect(rise(net, example, 0, delta!)).toBeCloseTo(0.1 * norm, 5);
  });

  test('with more steps takes steps of ε/10, from the image itself, and uses no random numbers', async () => {
    const net = linear(3, shape, 2);
    const image = numbers(5, pixels, 0.3, 0.7);
    const example = { index: 0, image, label: 0 };
    const found = await Promise.all(
      [0, 1].map((seed) =>
        perturbed(fgsm({ steps: 3 }), net.classifier, [example], linfBall(0.2), { seed }),
      ),
    );
    near(found[0]![0]!, best(net, example, 1, 0.3 * 0.2));
    expect(found[1]).toEqual(found[0]);
  });

  test('measures its steps in the radius of each example', async () => {
    const net = linear(3, shape, 2);
    const examples = [0, 1, 2].map((index) => ({
      index,
      image: numbers(index, pixels, 0.3, 0.7),
      label: index % 2,
    }));
    const radii = [0, 0.05, 0.2];
    const attack = fgsm({ stepSize: 0.5 });
    const found = await perturbed(attack, net.classifier, examples, linfBall(radii));
    found.forEach((delta, i) => {
      near(delta, best(net, examples[i]!, 1 - examples[i]!.label, 0.5 * radii[i]!));
    });
  });
});

describe('pgd', () => {
  test('ends at the best perturbation of a linear classifier of two classes, from any start', async () => {
    const net = linear(1, shape, 2);
    const examples = examplesFor(net.classifier, 2, 9);
    for (const attack of [
      pgd({ stepSize: 0.1, steps: 8 }),
      pgd({ stepSize: 0.03, steps: 8, optimizer: sign(), restarts: 3 }),
    ]) {
      for (const run of attack.runs(net.classifier)) {
        const found = await perturbed(attack, net.classifier, examples, linfBall(0.1), { run });
        found.forEach((delta, i) => {
          near(delta, best(net, examples[i]!, 1 - examples[i]!.label, 0.1));
        });
      }
    }
  });

  test('starts every restart somewhere else, and the same restart always at the same place', async () => {
    const net = linear(1, shape, 3);
    const examples = examplesFor(net.classifier, 2, 4);
    // Steps too small to matter: what comes out is the start.
    const starts = async (restarts: number, seed: number) => {
      const attack = pgd({ stepSize: 1e-7, steps: 1, restarts });
      const runs = attack.runs(net.classifier);
      expect(runs.map(({ restart }) => restart)).toEqual([...Array(restarts).keys()]);
      return Promise.all(
        runs.map((run) =>
          perturbed(attack, net.classifier, examples, linfBall(0.1), { run, seed }),
        ),
      );
    };
    const three = await starts(3, 7);
    expect(new Set(three.flat().map((delta) => delta.join())).size).toBe(12);
    expect(await starts(2, 7)).toEqual(three.slice(0, 2));
    expect(await starts(3, 8)).not.toEqual(three);
  });

  test('ascends the objective it is given, and carries its name', async () => {
    const net = linear(1, shape, 3);
    const examples = examplesFor(net.classifier, 2, 5);
    const options = { stepSize: 0.02, steps: 4 };
    const byMargin = pgd({ ...options, objective: lossObjective(margin) });
    expect(byMargin.name).toBe('pgd-4-margin');
    expect(pgd(options).name).toBe('pgd-4');
    expect(pgd({ ...options, name: 'mine' }).name).toBe('mine');
    expect(untargeted(options).name).toBe('untargeted-4');
    const by = (attack: SimpleAttack) => perturbed(attack, net.classifier, examples, linfBall(0.1));
    const found = await by(byMargin);
    expect(await by(untargeted(options))).toEqual(found);
    expect(await by(pgd(options))).not.toEqual(found);
  });
});

describe('multiTargeted', () => {
  test('has a run for each restart and wrong class, all targets before the next restart', () => {
    const { classifier } = linear(1, shape, 4);
    const runs = multiTargeted({ stepSize: 0.1, steps: 1, restarts: 2 }).runs(classifier);
    expect(runs.map(({ restart, target }) => [restart, target])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
    expect(new Set(runs.map(({ name }) => name)).size).toBe(6);
  });

  test("raises the margin of each example's own k-th wrong class as far as can be", async () => {
    const net = linear(4, shape, 5);
    const examples = Array.from({ length: 10 }, (_, index) => ({
      index,
      image: numbers(index, pixels),
      label: index % 5,
    }));
    const attack = multiTargeted({ stepSize: 0.05, steps: 12 });
    for (const run of attack.runs(net.classifier)) {
      const found = await perturbed(attack, net.classifier, examples, linfBall(0.1), { run });
      found.forEach((delta, i) => {
        const target = wrongClasses(net, examples[i]!)[run.target as number]!;
        near(delta, best(net, examples[i]!, target, 0.1));
      });
    }
  });

  test('refuses a problem without targets', () => {
    const net = linear(4, shape, 3);
    const problem = problemOf(net.classifier, examplesFor(net.classifier, 2, 2), linfBall(0.1));
    const attack = multiTargeted({ stepSize: 0.1, steps: 1 });
    expect(() => attack.perturb(problem)).toThrow('problem.targets');
    disposeProblem(problem);
  });
});

describe('one targeted run for each restart', () => {
  const net = linear(4, shape, 5);
  const options = { stepSize: 0.05, steps: 12, restarts: 2 };
  const examples = Array.from({ length: 6 }, (_, index) => ({
    index,
    image: numbers(index, pixels),
    label: index % 5,
  }));

  test('of leastLikely aims at the last of the wrong classes', async () => {
    const runs = leastLikely(options).runs(net.classifier);
    expect(runs.map(({ restart, target }) => [restart, target])).toEqual([
      [0, 3],
      [1, 3],
    ]);
    for (const run of runs) {
      const attack = leastLikely(options);
      const found = await perturbed(attack, net.classifier, examples, linfBall(0.1), { run });
      found.forEach((delta, i) => {
        near(delta, best(net, examples[i]!, wrongClasses(net, examples[i]!).at(-1)!, 0.1));
      });
    }
    expect(leastLikely(options).runs(linear(1, shape, 2).classifier)[0]!.target).toBe(0);
  });

  test('of randomTargeted aims where it is told, which is somewhere else for each example', async () => {
    const runs = randomTargeted(options).runs(net.classifier);
    expect(runs.map(({ restart, target }) => [restart, target])).toEqual([
      [0, 'random'],
      [1, 'random'],
    ]);
    const problem = problemOf(net.classifier, examples, linfBall(0.1));
    const targets = examples.map(({ label, index }) => (label + 1 + (index % 4)) % 5);
    const aimed = { ...problem, targets: tensor1d(targets, 'int32') };
    const found = await perturbationsOf(randomTargeted(options), aimed);
    found.forEach((delta, i) => {
      near(delta, best(net, examples[i]!, targets[i]!, 0.1));
    });
    disposeProblem(aimed);
  });

  test('may ascend another loss of its target', async () => {
    const towards = targetedObjective((logits, _, targets) => neg(crossEntropy(logits, targets)));
    const attack = multiTargeted({ ...options, objective: { ...towards, name: 'cross-entropy' } });
    expect(attack.name).toBe('multi-targeted-12-cross-entropy');
    const [run] = attack.runs(net.classifier);
    const threat = linfBall(0.1);
    const found = await perturbed(attack, net.classifier, examples, threat, { run: run! });
    const byMargin = multiTargeted(options);
    expect(found).not.toEqual(
      await perturbed(byMargin, net.classifier, examples, threat, { run: run! }),
    );
    const likeliness = (example: Example, delta?: Float32Array) => {
      const target = wrongClasses(net, example)[0]!;
      const logits = [0, 1, 2, 3, 4].map((k) =>
        example.image.reduce(
          (z, x, i) => z + (x + (delta?.[i] ?? 0)) * weight(net, i, k),
          net.bias[k]!,
        ),
      );
      return logits[target]! - Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
    };
    found.forEach((delta, i) => {
      expect(likeliness(examples[i]!, delta)).toBeGreaterThan(likeliness(examples[i]!));
    });
  });
});

describe('the first step of Adam', () => {
  test('from 2ε on is FGSM from the same start, where the gradient is not tiny', async () => {
    const { classifier, dispose: free } = mlp(3, shape, 6, 4);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1e-3, 8 / 255, 0.1, 0.4),
        fc.double({ min: 2, max: 20, noNaN: true }),
        fc.nat(1000),
        async (epsilon, radii, seed) => {
          const examples = examplesFor(classifier, seed, 5);
          const threat = linfBall(epsilon);
          const problem = problemOf(classifier, examples, threat, { seed });
          const start = threat.start(problem.images, problem.random);
          const from = { ...problem, start };
          const byAdam = pgd({ stepSize: radii * epsilon, steps: 1 });
          const bySign = fgsm({ stepSize: 2 });
          const [found, wanted] = [
            await perturbationsOf(byAdam, from),
            await perturbationsOf(bySign, from),
          ];
          // Without a start of its own, PGD draws this one.
          expect(await perturbationsOf(byAdam, problem)).toEqual(found);
          const slopes = valuesByExample(
            inputGradient<Tensor4D>(
              (x) => ({ value: crossEntropy(problem.logits(x), problem.labels) }),
              tidy(() => add(problem.images, start) as Tensor4D),
            ).gradient,
          );
          found.forEach((delta, i) => {
            delta.forEach((d, at) => {
              if (Math.abs(slopes[i]![at]!) > 1e-2) expect(d).toBeCloseTo(wanted[i]![at]!, 6);
            });
          });
          disposeProblem(from);
        },
      ),
      { numRuns: 15 },
    );
    free();
  });
});

describe("with keep: 'best'", () => {
  test('more steps of the same schedule never do worse', async () => {
    const { classifier, dispose: free } = mlp(3, shape, 6, 4);
    const examples = examplesFor(classifier, 2, 6);
    const labels = examples.map(({ label }) => label);
    const threat = linfBall(0.1);
    const problem = problemOf(classifier, examples, threat);
    const stepSize = piecewise([
      [0, 0.15],
      [3, 0.05],
      [6, 0.01],
    ]);
    for (const optimizer of [adam(), steepest(), momentum()]) {
      let before = labels.map(() => -Infinity);
      for (const steps of [1, 2, 3, 5, 8, 12]) {
        const attack = untargeted({ optimizer, stepSize, steps, keep: 'best' });
        const perturbation = (await attack.perturb(problem)) as Tensor4D;
        const values = tidy(() =>
          margin(problem.logits(add(problem.images, perturbation)), problem.labels).dataSync(),
        );
        perturbation.dispose();
        values.forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(before[i]! - 1e-5);
        });
        before = [...values];
      }
    }
    disposeProblem(problem);
    free();
  });
});

describe('what an attack was made with', () => {
  test('is in its settings', () => {
    const falling = piecewise([
      [0, 0.1],
      [10, 0.01],
    ]);
    expect(pgd({ stepSize: falling, steps: 20, restarts: 3, keep: 'best' }).settings).toEqual({
      objective: 'crossEntropy',
      optimizer: 'adam',
      steps: 20,
      stepSize: [
        [0, 0.1],
        [10, 0.01],
      ],
      restarts: 3,
      keep: 'best',
      precision: 'float32',
    });
    // A schedule is as long as the attack.
    expect(pgd({ stepSize: falling, steps: 10 }).settings!.stepSize).toBe(0.1);
    expect(fgsm({ steps: 20 }).settings).toMatchObject({
      optimizer: 'steepest-in-radii',
      stepSize: 0.1,
      steps: 20,
      restarts: 1,
    });
    expect(multiTargeted({ stepSize: 0.1, steps: 2 }).settings).toMatchObject({
      objective: 'targetedMargin',
    });
  });

  test('is in the name of a PGD', () => {
    const options = { stepSize: 0.01, steps: 7 };
    expect(pgd({ ...options, optimizer: steepest() }).name).toBe('pgd-7-steepest');
    const objective = lossObjective(margin);
    expect(pgd({ ...options, optimizer: momentum(), objective }).name).toBe(
      'pgd-7-momentum-1-margin',
    );
  });
});

describe('options that make no sense are refused when an attack is made', () => {
  const few = { stepSize: 0.1, steps: 1 };
  const made: [argument: string, wrong: unknown[], (value: never) => unknown][] = [
    ['steps', [0, -1, 1.5, Number.NaN], (steps) => fgsm({ steps })],
    ['steps', [0, -1, 1.5, Number.NaN], (steps) => paperSuite({ steps })],
    ['restarts', [0, -1, 1.5], (restarts) => paperSuite({ restarts })],
    ['stepSize', [0, -0.1, Number.NaN, Infinity], (stepSize) => fgsm({ stepSize })],
    ...[pgd, untargeted, multiTargeted, randomTargeted, leastLikely].flatMap(
      (attack): [string, unknown[], (value: never) => unknown][] => [
        ['steps', [0, -1, 1.5, Number.NaN], (steps) => attack({ ...few, steps })],
        ['stepSize', [0, -0.1, Number.NaN], (stepSize) => attack({ ...few, stepSize })],
        ['restarts', [0, -1, 1.5, Number.NaN], (restarts) => attack({ ...few, restarts })],
      ],
    ),
    ['ε', [-0.1, 1.5, Number.NaN], (epsilon) => linfBall(epsilon)],
    ['radius', [-0.1, Number.NaN, Infinity], (epsilon) => l2Ball(epsilon)],
  ];

  test.each(made)('%s of %o, by name', (argument, wrong, make) => {
    for (const value of wrong) expect(() => make(value as never)).toThrow(argument);
  });
});
