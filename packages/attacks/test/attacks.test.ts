import { linfBall, lossObjective, margin, type SimpleAttack, sign } from '@llr/core';
import { dispose, memory, type Tensor4D } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fgsm, multiTargeted, pgd, untargeted } from '../src/index.ts';
import { type Example, examplesFor, type Linear, linear, numbers, type Shape } from './helpers.ts';
import { disposeProblem, perturbed, problemOf } from './problems.ts';

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

describe('every attack', () => {
  const attacks = [
    fgsm(),
    fgsm({ steps: 4 }),
    pgd({ stepSize: 0.1, steps: 2 }),
    pgd({ stepSize: (step) => 0.1 / (step + 1), steps: 2, optimizer: sign(), keep: 'best' }),
    untargeted({ stepSize: 0.1, steps: 2 }),
    multiTargeted({ stepSize: 0.1, steps: 2 }),
  ];
  const net = linear(6, shape, 3);

  test('stays in the ball and in the box', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...attacks),
        fc.constantFrom(0, 1e-3, 8 / 255, 0.3, 1),
        fc.integer({ min: 0, max: 1000 }),
        async (attack, epsilon, seed) => {
          const examples = examplesFor(net.classifier, seed, 3);
          // The corners of the box too.
          examples[0]!.image.fill(0);
          examples[1]!.image.fill(1);
          for (const run of attack.runs(net.classifier)) {
            const threat = linfBall(epsilon);
            const found = await perturbed(attack, net.classifier, examples, threat, { run, seed });
            found.forEach((delta, i) => {
              delta.forEach((d, at) => {
                expect(Math.abs(d)).toBeLessThanOrEqual(epsilon * (1 + 1e-5) + 1e-7);
                expect(examples[i]!.image[at]! + d).toBeGreaterThanOrEqual(-1e-7);
                expect(examples[i]!.image[at]! + d).toBeLessThanOrEqual(1 + 1e-7);
              });
            });
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('leaves no tensor behind but its result, and its inputs alone', async () => {
    const threat = linfBall(0.1);
    const examples = examplesFor(net.classifier, 1, 3);
    for (const attack of attacks) {
      for (const run of attack.runs(net.classifier)) {
        const problem = problemOf(net.classifier, examples, threat, { run });
        const before = memory().numTensors;
        dispose((await attack.perturb(problem)) as Tensor4D);
        expect(memory().numTensors).toBe(before);
        disposeProblem(problem);
      }
    }
  });

  test('refuses options that make no sense when it is made', () => {
    for (const steps of [0, 1.5, Number.NaN]) {
      expect(() => fgsm({ steps })).toThrow('steps');
      expect(() => pgd({ stepSize: 0.1, steps })).toThrow('steps');
      expect(() => multiTargeted({ stepSize: 0.1, steps })).toThrow('steps');
    }
    for (const stepSize of [0, -0.1, Number.NaN]) {
      expect(() => fgsm({ stepSize })).toThrow('stepSize');
      expect(() => pgd({ stepSize, steps: 1 })).toThrow('stepSize');
      expect(() => multiTargeted({ stepSize, steps: 1 })).toThrow('stepSize');
    }
    for (const restarts of [0, -1, 1.5]) {
      expect(() => pgd({ stepSize: 0.1, steps: 1, restarts })).toThrow('restarts');
      expect(() => untargeted({ stepSize: 0.1, steps: 1, restarts })).toThrow('restarts');
      expect(() => multiTargeted({ stepSize: 0.1, steps: 1, restarts })).toThrow('restarts');
    }
  });
});
