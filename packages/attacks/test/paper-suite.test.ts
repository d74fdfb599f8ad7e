import { linfBall } from '@llr/core';
import { describe, expect, test } from 'vitest';
import { paperSuite } from '../src/index.ts';
import { examplesFor, linear, type Shape } from './helpers.ts';
import { perturbed } from './problems.ts';

const shape: Shape = [3, 2, 2];
const { classifier } = linear(1, shape, 10);

describe('the suite of F.1', () => {
  test('is FGSM-20, PGD-50, Untargeted and Multi-Targeted, in this order', () => {
    const falling = [
      [0, 0.1],
      [100, 0.01],
      [150, 0.001],
    ];
    const suite = paperSuite();
    expect(suite.map(({ name, settings }) => ({ name, ...settings }))).toEqual([
      {
        name: 'fgsm-20',
        objective: 'crossEntropy',
        optimizer: 'steepest-in-radii',
        steps: 20,
        stepSize: 0.1,
        restarts: 1,
        keep: 'last',
        precision: 'float32',
      },
      ...[
        { name: 'pgd-50', objective: 'margin', steps: 50, stepSize: 0.1, restarts: 1 },
        {
          name: 'untargeted-200',
          objective: 'margin',
          steps: 200,
          stepSize: falling,
          restarts: 20,
        },
        {
          name: 'multi-targeted-200',
          objective: 'targetedMargin',
          steps: 200,
          stepSize: 0.1,
          restarts: 20,
        },
      ].map((settings) => ({
        ...settings,
        optimizer: 'adam',
        keep: 'last',
        precision: 'float32',
      })),
    ]);
    expect(suite.map((attack) => attack.runs(classifier).length)).toEqual([1, 1, 20, 20 * 9]);
  });

  test('has Random-Targeted, with the falling step sizes, where there are too many classes', () => {
    const [, , untargeted, random] = paperSuite({ targets: 'random' });
    expect(random!.name).toBe('random-targeted-200');
    expect(random!.settings).toEqual({ ...untargeted!.settings, objective: 'targetedMargin' });
    const runs = random!.runs(classifier);
    expect(runs).toHaveLength(20);
    expect(runs.every(({ target }) => target === 'random')).toBe(true);
  });

  test('may be made smaller: step sizes change proportionally earlier', () => {
    const small = paperSuite({ steps: 20, restarts: 2 });
    expect(small.map(({ name }) => name)).toEqual([
      'fgsm-20',
      'pgd-50',
      'untargeted-20',
      'multi-targeted-20',
    ]);
    expect(small[2]!.settings).toMatchObject({
      stepSize: [
        [0, 0.1],
        [10, 0.01],
        [15, 0.001],
      ],
      restarts: 2,
    });
    for (const steps of [1, 2, 3])
      expect(paperSuite({ steps })[2]!.settings).toMatchObject({ steps });
  });

  test('perturbs', async () => {
    const examples = examplesFor(classifier, 2, 3);
    for (const attack of paperSuite({ steps: 4, restarts: 1 })) {
      const [run] = attack.runs(classifier);
      const found = await perturbed(attack, classifier, examples, linfBall(0.1), { run: run! });
      for (const delta of found) expect(Math.max(...delta.map(Math.abs))).toBeGreaterThan(0.05);
    }
  });
});
