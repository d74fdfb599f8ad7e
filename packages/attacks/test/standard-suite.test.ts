import { l2Ball, linfBall } from '@llr/core';
import { describe, expect, test } from 'vitest';
import { evaluate, paperSuite, standardSuite } from '../src/index.ts';
import { examplesFor, mlp, type Shape, sourceOf } from './helpers.ts';

const shape: Shape = [3, 2, 2];

describe('the standard suite', () => {
  const suite = standardSuite();

  test('is of the budgets of AutoAttack’s standard version, cheap attacks first', () => {
    expect(suite.map(({ name, settings, access }) => ({ name, settings, access }))).toMatchObject([
      { name: 'fgsm', settings: { steps: 1, stepSize: 1 } },
      {
        name: 'pgd-10',
        settings: {
          steps: 10,
          stepSize: 0.25,
          optimizer: 'steepest-in-radii',
          objective: 'margin',
        },
      },
      { name: 'apgd-ce', settings: { steps: 100, restarts: 1, objective: 'crossEntropy' } },
      { name: 'apgd-t', settings: { steps: 100, restarts: 1, targets: 9 } },
      { name: 'square-5000', settings: { queries: 5000, restarts: 1 }, access: 'black-box' },
    ]);
  });

  test('may be made smaller', () => {
    const small = standardSuite({ steps: 12, targets: 3, queries: 70 });
    expect(small.map(({ settings }) => settings)).toMatchObject([
      { steps: 1 },
      { steps: 10 },
      { steps: 12 },
      { steps: 12, targets: 3 },
      { queries: 70 },
    ]);
    expect(() => standardSuite({ steps: 0 })).toThrow('steps');
    expect(() => standardSuite({ targets: 0 })).toThrow('targets');
    expect(() => standardSuite({ queries: 0 })).toThrow('queries');
  });

  test('may be made beside the paper’s: no two attacks have one name', () => {
    const names = [...suite, ...paperSuite()].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each([2, 3, 5])('evaluates a network of %d classes', async (classes) => {
    const { classifier, dispose } = mlp(3, shape, 6, classes);
    const attacks = standardSuite({ steps: 8, targets: 2, queries: 20 });
    const data = sourceOf(examplesFor(classifier, 1, 20), shape);
    for (const threat of [linfBall(0.3), l2Ball(1)]) {
      const found = await evaluate({ classifier, data, attacks, threat, seed: 0, batchSize: 16 });
      expect(found.attacks.map(({ name }) => name)).toEqual(attacks.map(({ name }) => name));
      expect(found.robust.correct).toBeLessThan(found.clean.correct);
    }
    dispose();
  });
});
