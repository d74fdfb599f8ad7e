import { type Attack, l2Ball, linfBall, type Run } from '@llr/core';
import { memory, type Variable } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attackTable } from './attack-table.ts';
import { type Example, numbers } from './helpers.ts';
import {
  disposeProblem,
  perturb,
  perturbationsOf,
  problemOf,
  valuesByExample,
} from './problems.ts';
import { type TinyModel, tinyModels } from './tiny-models.ts';

const attacks = attackTable.map(({ attack }) => attack);
const balls = { linf: linfBall, l2: l2Ball };

const sizes = {
  linf: (delta: Float32Array) => Math.max(...delta.map(Math.abs)),
  l2: (delta: Float32Array) => Math.hypot(...delta),
};

/** Random images, the first all 0 and the second all 1, the box's corners; labels right or wrong. */
function examplesOf({ classifier }: TinyModel, seed: number, count = 4): Example[] {
  const [h, w, c] = classifier.inputShape;
  return Array.from({ length: count }, (_, index) => {
    const image = numbers(100 * seed + index, h * w * c);
    if (index < 2) image.fill(index);
    return { index, image, label: (seed + index) % classifier.numClasses };
  });
}

const copies = (variables: readonly Variable[]) =>
  variables.map((variable) => [...variable.dataSync()]);

const radii = fc.oneof(
  fc.constantFrom(1e-3, 8 / 255, 0.3, 1),
  fc.constantFrom([0, 0.02, 0.1, 0.5], [1, 0.3, 0, 1e-3]),
);

const firstAndLast = (runs: readonly Run[]) => [runs[0]!, runs.at(-1)!];

describe('every attack has', () => {
  test('a name of its own, and settings that are plain data', () => {
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
    for (const { name, settings } of attacks) {
      expect(settings, name).toBeDefined();
      expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
    }
  });

  test('runs with names of their own', () => {
    for (const attack of attacks) {
      for (const { classifier } of tinyModels) {
        const runs = attack.runs(classifier);
        expect(runs.length).toBeGreaterThan(0);
        expect(new Set(runs.map(({ name }) => name)).size).toBe(runs.length);
      }
    }
  });
});

describe.each(tinyModels)('against $name', (model) => {
  const { classifier, variables } = model;

  /** Everything that must hold of one call, whatever the attack. */
  async function check(
    attack: Attack,
    run: Run,
    ball: 'linf' | 'l2',
    epsilon: number | readonly number[],
    seed: number,
  ) {
    const examples = examplesOf(model, seed);
    const threat = balls[ball](epsilon);
    const problem = problemOf(classifier, examples, threat, { run, seed });
    const parameters = copies(variables);
    const inputs = [problem.images, problem.labels, threat.radius];
    const given = inputs.map((input) => [...input.dataSync()]);
    const before = memory().numTensors;
    const perturbation = await perturb(attack, problem);
    expect(memory().numTensors).toBe(before + 1);
    expect(perturbation.shape).toEqual(problem.images.shape);
    expect(inputs.map((input) => [...input.dataSync()])).toEqual(given);
    expect(copies(variables)).toEqual(parameters);
    valuesByExample(perturbation).forEach((delta, i) => {
      const radius = typeof epsilon === 'number' ? epsilon : epsilon[i]!;
      // Room for the rounding of x + δ − x.
      expect(sizes[ball](delta)).toBeLessThanOrEqual(radius * (1 + 1e-5) + 3e-7);
      delta.forEach((d, at) => {
        const pixel = examples[i]!.image[at]! + d;
        expect(pixel).toBeGreaterThanOrEqual(-1e-7);
        expect(pixel).toBeLessThanOrEqual(1 + 1e-7);
        if (radius === 0) expect(d).toBeCloseTo(0, 10);
      });
    });
    perturbation.dispose();
    disposeProblem(problem);
  }

  test.each(attacks)(
    '$name stays in ball and box, and leaves everything as it was',
    async (attack) => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...firstAndLast(attack.runs(classifier))),
          fc.constantFrom('linf' as const, 'l2' as const),
          radii,
          fc.nat(1000),
          (run, ball, epsilon, seed) => check(attack, run, ball, epsilon, seed),
        ),
        { numRuns: 2 },
      );
    },
  );

  test.each(attacks)('$name leaves the images alone where ε is 0', async (attack) => {
    const [run] = attack.runs(classifier);
    for (const ball of ['linf', 'l2'] as const) await check(attack, run!, ball, 0, 3);
  });

  test.each(attacks)('$name depends neither on order nor on neighbours', async (attack) => {
    // Of other sizes TensorFlow computes the last few numbers of exp, log and tanh one by one, and rounds them otherwise.
    const batchSize = 16;
    const examples = examplesOf(model, 5, batchSize + 10);
    const [, run] = firstAndLast(attack.runs(classifier));
    const perturbationsAt = async (order: number[]) => {
      const rows = order.map((index) => examples[index]!);
      const problem = problemOf(classifier, rows, linfBall(0.1), { run: run! });
      const found = await perturbationsOf(attack, problem);
      disposeProblem(problem);
      return new Map(order.map((index, row) => [index, found[row]!]));
    };
    const inOrder = [...Array(batchSize).keys()];
    const found = await perturbationsAt(inOrder);
    const shuffled = inOrder.map((row) => (5 * row + 3) % batchSize);
    const amongOthers = inOrder.map((row) => (7 * row + 11) % examples.length);
    for (const order of [shuffled, amongOthers]) {
      for (const [index, delta] of await perturbationsAt(order)) {
        if (found.has(index)) expect(delta).toEqual(found.get(index));
      }
    }
  });
});
