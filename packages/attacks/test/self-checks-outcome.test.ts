import { linfBall } from '@llr/core';
import { describe, expect, test } from 'vitest';
import { checkOutcome, evaluate, fgsm, type Outcome, type Warning } from '../src/index.ts';
import { examplesFor, linear, sourceOf } from './helpers.ts';

type Example = Outcome['examples'][number];

/** `count` examples whose labels go through the classes, all classified correctly and not broken. */
const examples = (
  count: number,
  classes: number,
  of: (row: number) => Partial<Example> = () => ({}),
) =>
  Array.from({ length: count }, (_, row): Example => {
    const label = row % classes;
    return { label, prediction: label, brokenIn: {}, ...of(row) };
  });

type Ran = Outcome['attacks'][number];
const ran = (name: string, access: Ran['access'] = 'white-box'): Ran => ({ name, access });

function warningsFor(
  all: Example[],
  attacks: Ran[] = [],
  { numClasses = 10, epsilon = 0.1 as number | 'per example' } = {},
): Warning[] {
  const outcome: Outcome = { threat: { epsilon }, attacks, examples: all };
  return checkOutcome(outcome, { numClasses });
}

const checks = (warnings: Warning[]) => warnings.map(({ check }) => check);

test('an ordinary outcome is not warned of', () => {
  const all = examples(200, 10, (row) => ({
    ...(row % 7 === 0 && { prediction: 3 }),
    ...(row % 5 === 1 && { brokenIn: { pgd: 'restart 0' } }),
    ...(row % 5 === 2 && { brokenIn: { pgd: null, square: null } }),
  }));
  const attacks = [ran('pgd'), ran('square', 'black-box')];
  expect(warningsFor(all, attacks)).toEqual([]);
  expect(warningsFor([])).toEqual([]);
});

test('a real evaluation is an outcome', async () => {
  const shape = [3, 2, 1] as const;
  const net = linear(3, shape, 4);
  const threat = linfBall(0.1);
  const evaluation = await evaluate({
    classifier: net.classifier,
    data: sourceOf(examplesFor(net.classifier, 1, 30), shape),
    attacks: [fgsm()],
    threat,
    seed: 1,
    batchSize: 10,
  });
  expect(checkOutcome(evaluation, net.classifier)).toEqual([]);
  // Read as that of a network with many more classes, and without what the attack did.
  expect(checks(checkOutcome(evaluation, { numClasses: 100 }))).toEqual(['few-classes']);
  const idle = evaluation.examples.map((example) => ({ ...example, brokenIn: { fgsm: null } }));
  expect(checks(checkOutcome({ ...evaluation, examples: idle }, net.classifier))).toEqual([
    'no-effect',
  ]);
  net.dispose();
  threat.radius.dispose();
});

describe('clean accuracy', () => {
  test('above chance is fine, at chance is not', () => {
    const right = (count: number) =>
      examples(100, 10, (row) => ({
        prediction: row < count ? row % 10 : (row + 1 + (row % 8)) % 10,
      }));
    expect(warningsFor(right(11))).toEqual([]);
    const [warning] = warningsFor(right(10));
    expect(warning!.check).toBe('clean-accuracy');
    expect(warning!.message).toContain('10 of 100 examples');
    expect(warning!.message).toContain('10 % of guessing');
  });

  test('with labels counted from 1', () => {
    const [up] = warningsFor(examples(50, 10, (row) => ({ prediction: (row + 9) % 10 })));
    expect(up!.message).toContain('For 50 of them its prediction is the label − 1');
    const [down] = warningsFor(examples(50, 10, (row) => ({ prediction: (row + 1) % 10 })));
    expect(down!.message).toContain('the label + 1');
  });

  test('of one answer to everything', () => {
    const [warning] = warningsFor(examples(50, 10, () => ({ prediction: 4 })));
    expect(warning!.message).toContain('It says class 4 to every image');
  });

  test('of a handful is not judged', () => {
    expect(warningsFor(examples(9, 10, () => ({ prediction: 0, label: 1 })))).toEqual([]);
  });
});

describe('classes', () => {
  test('of sorted data are few', () => {
    const sorted = examples(1000, 100, (row) => ({
      label: Math.floor(row / 500),
      prediction: Math.floor(row / 500),
    }));
    const [warning, ...others] = warningsFor(sorted, [], { numClasses: 100 });
    expect(others).toEqual([]);
    expect(warning!.check).toBe('few-classes');
    expect(warning!.message).toContain("1000 examples are of 2 of the network's 100 classes");
    expect(warning!.message).toContain('about 100');
  });

  test('of few examples are as many as chance has it', () => {
    expect(warningsFor(examples(50, 40), [], { numClasses: 1000 })).toEqual([]);
    expect(warningsFor(examples(19, 1), [], { numClasses: 10 })).toEqual([]);
    expect(checks(warningsFor(examples(20, 4), [], { numClasses: 10 }))).toEqual(['few-classes']);
    expect(checks(warningsFor(examples(20, 5), [], { numClasses: 10 }))).toEqual([]);
  });
});

describe('a black box', () => {
  const [fgsm, pgd, square] = [ran('fgsm'), ran('pgd'), ran('square', 'black-box')];
  const attacks = [fgsm, pgd, square];
  const runs = { fgsm: null, pgd: null, square: 'restart 0' };
  const brokenBySquare = (count: number, total: number) =>
    examples(total, 10, (row) => {
      if (row < count) return { brokenIn: runs };
      return row < total / 2 ? { brokenIn: { fgsm: 'from the image' } } : {};
    });

  test('that breaks what white boxes left is told of, from 2 and from 0.2 % on', () => {
    const [warning, ...others] = warningsFor(brokenBySquare(3, 1000), attacks);
    expect(others).toEqual([]);
    expect(warning!.check).toBe('black-box-beats-white-box');
    expect(warning!.message).toContain(
      'square, which sees logits only, broke 3 of 1000 examples (0.3 %)',
    );
    expect(warning!.message).toContain('(fgsm, pgd)');
    expect(warningsFor(brokenBySquare(2, 1000), attacks)).toEqual([]);
    expect(warningsFor(brokenBySquare(1, 100), attacks)).toEqual([]);
    expect(checks(warningsFor(brokenBySquare(2, 100), attacks))).toEqual([
      'black-box-beats-white-box',
    ]);
  });

  test('is not compared with white boxes that come after it, nor where one broke the example too', () => {
    const found = brokenBySquare(50, 100);
    expect(warningsFor(found, [square])).toEqual([]);
    expect(checks(warningsFor(found, [square, fgsm, pgd]))).toEqual([]);
    const both = examples(100, 10, () => ({ brokenIn: { ...runs, pgd: 'restart 1' } }));
    expect(checks(warningsFor(both, [fgsm, square, pgd]))).toEqual(['no-effect']);
  });

  test('is not given what was misclassified before', () => {
    const wrong = examples(100, 10, (row) =>
      row < 9 ? { prediction: (row + 1) % 10, brokenIn: runs } : {},
    );
    expect(warningsFor(wrong, attacks)).toEqual([]);
  });
});

describe('an attack without effect', () => {
  const mine = ran('mine');
  const idle = (count: number, of: (row: number) => Partial<Example> = () => ({})) =>
    examples(count, 10, (row) => ({ brokenIn: { mine: null }, ...of(row) }));

  test('on all correct examples is told of', () => {
    const wrong = (row: number) => (row < 10 ? { prediction: (row + 1) % 10, brokenIn: {} } : {});
    const [alone, ...others] = warningsFor(idle(40, wrong), [mine]);
    expect(others).toEqual([]);
    expect(alone!.check).toBe('no-effect');
    expect(alone!.message).toContain('mine broke none of the 30 examples');
    expect(alone!.message).toContain('Unless ε is tiny');
    const both = { mine: null, pgd: 'restart 0' };
    const [beside] = warningsFor(
      idle(40, (row) => (row < 5 ? { brokenIn: both } : {})),
      [mine, ran('pgd')],
    );
    expect(beside!.message).toContain('Other attacks broke some');
  });

  test('is none on what others left, at ε = 0, of a handful, or where all is misclassified', () => {
    const left = idle(40, (row) => (row < 5 ? { brokenIn: { pgd: 'restart 0' } } : {}));
    expect(warningsFor(left, [ran('pgd'), mine])).toEqual([]);
    expect(warningsFor(idle(40), [mine], { epsilon: 0 })).toEqual([]);
    expect(checks(warningsFor(idle(40), [mine], { epsilon: 'per example' }))).toEqual([
      'no-effect',
    ]);
    expect(warningsFor(idle(19), [mine])).toEqual([]);
    const wrong = idle(40, () => ({ prediction: 1, label: 2 }));
    expect(checks(warningsFor(wrong, [mine]))).not.toContain('no-effect');
  });
});
