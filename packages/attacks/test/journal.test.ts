import {
  type Attack,
  type Classifier,
  linfBall,
  type SimpleAttack,
  type StagedAttack,
} from '@llr/core';
import { add, memory, mul, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AdversarialImage,
  type BegunTry,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  fgsm,
  type JournalEntry,
  mergeEvaluations,
  multiTargeted,
  pgd,
} from '../src/index.ts';
import { examplesFor, linear, mlp, type Shape, sourceOf } from './helpers.ts';

const shape: Shape = [3, 2, 2];
const net = mlp(34, shape, 8, 4).classifier;
const examples = examplesFor(net, 3, 45);
const epsilon = 0.08;
const threat = linfBall(epsilon);

/** A random walk, in stages. */
const wander: StagedAttack = {
  name: 'wander',
  access: 'black-box',
  stages: 4,
  runs: () => [0, 1].map((restart) => ({ name: `restart ${restart}`, restart })),
  begin: ({ images, threat, random }) => ({ perturbation: threat.start(images, random) }),
  advance: ({ images, threat, random }, { perturbation }) =>
    tidy(() => ({
      perturbation: threat.project(
        add(perturbation as Tensor4D, mul(threat.start(images, random), 0.5)),
        images,
      ),
    })),
};

const attacks = (): Attack[] => [
  pgd({ stepSize: 0.02, steps: 1, restarts: 2 }),
  fgsm(),
  wander,
  multiTargeted({ stepSize: 0.02, steps: 3, restarts: 2 }),
];

const run = (options: Partial<EvaluateOptions> = {}): Promise<Evaluation> =>
  evaluate({
    classifier: net,
    data: sourceOf(examples, shape),
    attacks: attacks(),
    threat,
    seed: 1,
    batchSize: 8,
    selfChecks: false,
    ...options,
  });

const outcome = ({ attacks: results, ...rest }: Evaluation) => ({
  ...rest,
  attacks: results.map(({ seconds, ...attack }) => attack),
});

/** Everything an evaluation writes, as it would come back from a file. */
async function written(options: Partial<EvaluateOptions> = {}) {
  const entries: JournalEntry[] = [];
  const broken: AdversarialImage[] = [];
  const evaluation = await run({
    ...options,
    journal: {
      restored: options.journal?.restored ?? [],
      record: (entry, images) => {
        entries.push(JSON.parse(JSON.stringify(entry)) as JournalEntry);
        broken.push(...images);
      },
    },
  });
  return { evaluation, entries, broken };
}

describe.each(['across-attacks', 'within-attack', 'off'] as const)(
  'a journal, active set %s',
  (activeSet) => {
    const options = { activeSet, targetedSuccess: activeSet !== 'across-attacks' };

    test('lets another evaluation go on from wherever one stopped, with the same result', async () => {
      const { evaluation, entries } = await written(options);
      expect(entries.length).toBeGreaterThan(20);
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: entries.length }), async (stopped) => {
          const journal = { restored: entries.slice(0, stopped), record: () => {} };
          const { evaluation: again, entries: rest } = await written({ ...options, journal });
          expect(outcome(again)).toEqual(outcome(evaluation));
          // No more batches than it would have taken, but for those that aren't full.
          expect(rest.length).toBeLessThan(entries.length - stopped + 12);
        }),
        { numRuns: 4 },
      );
      const judged: SimpleAttack['perturb'] = () => {
        throw new Error('nothing is left to do');
      };
      const done = attacks().map((attack) =>
        'perturb' in attack
          ? { ...attack, perturb: judged }
          : { ...attack, begin: judged as never },
      );
      const journal = { restored: entries, record: judged as never };
      expect(outcome(await run({ ...options, attacks: done, journal }))).toEqual(
        outcome(evaluation),
      );
    });
  },
);

test('a journal hears of each image that an attack breaks, once, with what breaks it', async () => {
  const { evaluation, broken } = await written();
  const wanted = evaluation.examples.filter(
    ({ brokenBy }) => brokenBy !== null && brokenBy !== 'clean',
  );
  expect(wanted.length).toBeGreaterThan(10);
  expect(broken).toHaveLength(wanted.length);
  for (const { index, label, prediction, attack, run: by, image, perturbation } of broken) {
    const { brokenBy, brokenIn } = evaluation.examples[index]!;
    expect({ attack, by }).toEqual({ attack: brokenBy, by: brokenIn[attack] });
    expect(label).toBe(examples[index]!.label);
    expect(prediction).not.toBe(label);
    expect(image).toEqual(examples[index]!.image);
    expect(Math.max(...perturbation.map(Math.abs))).toBeLessThanOrEqual(epsilon * 1.001);
  }
});

describe('a journal of something else', () => {
  test('is refused: another network, other data, other attacks', async () => {
    const { entries } = await written();
    const journal = { restored: entries.slice(0, 9), record: () => {} };
    const other = linear(3, shape, 4).classifier;
    await expect(run({ journal, classifier: other })).rejects.toThrow(/can't go on with another/);
    const data = sourceOf([...examples].reverse(), shape);
    await expect(run({ journal, data })).rejects.toThrow(/can't go on with another/);
    await expect(run({ journal, attacks: [fgsm()] })).rejects.toThrow(
      /The journal has run 0 of pgd-1 for example \d+, which isn't its next/,
    );
  });
});

describe('self-checks', () => {
  // So sure of itself that the gradient of its cross-entropy vanishes.
  const sure: Classifier = {
    ...net,
    freeze: () => (images) => tidy(() => mul(net.freeze('running')(images), 1e4)),
  };
  const options = { classifier: sure, selfChecks: true, attacks: [fgsm()] };

  test('come first, once, and are part of the result and of what is merged', async () => {
    const { evaluation, entries } = await written(options);
    expect(evaluation.warnings.map(({ check }) => check)).toContain('saturated-cross-entropy');
    expect(entries.filter((entry) => 'warnings' in entry)).toEqual([entries[0]]);
    const journal = { restored: entries.slice(0, 2), record: () => {} };
    const again = await written({ ...options, journal });
    expect(outcome(again.evaluation)).toEqual(outcome(evaluation));
    expect(again.entries.some((entry) => 'warnings' in entry)).toBe(false);
    const halves = [examples.slice(0, 20), examples.slice(20)].map((half) =>
      run({ ...options, data: sourceOf(half, shape) }),
    );
    const merged = mergeEvaluations(await Promise.all(halves));
    expect(merged.warnings.map(({ check }) => check)).toContain('saturated-cross-entropy');
  });
});

describe('a staged attack', () => {
  test('does the same whatever the batch size and the active set; broken examples leave between stages', async () => {
    const found = await run({ attacks: [wander], activeSet: 'off' });
    expect(found.robust.correct).toBeLessThan(found.clean.correct);
    let advanced = 0;
    const counted: StagedAttack = {
      ...wander,
      advance: (problem, state) => {
        advanced += new Set(problem.indices).size;
        return wander.advance(problem, state);
      },
    };
    for (const batchSize of [1, 64]) {
      advanced = 0;
      const again = await run({ attacks: [counted], batchSize });
      expect(again.robust).toEqual(found.robust);
      expect(again.attacks[0]!.tries).toBeLessThan(found.attacks[0]!.tries);
      // Two runs of four stages for the robust ones, and fewer for those broken early.
      expect(advanced).toBeLessThan(2 * 4 * found.clean.correct);
      expect(advanced).toBeGreaterThanOrEqual(2 * 4 * found.robust.correct);
    }
  });

  test('goes on amid a try', async () => {
    const entries: JournalEntry[] = [];
    const begun: BegunTry[][] = [];
    const only = { attacks: [wander] };
    const whole = await run({
      ...only,
      journal: {
        restored: [],
        record: (entry) => void entries.push(entry),
        keepBegun: (tries) => void begun.push(structuredClone(tries) as BegunTry[]),
      },
    });
    expect(begun.at(-1)).toEqual([]);
    const begunEntries = entries.flatMap((entry, i) => ('attack' in entry ? i : []));
    for (const stopped of [1, 4, Math.floor(begun.length / 2)]) {
      let calls = 0;
      const counted: StagedAttack = {
        ...wander,
        begin: (problem) => {
          calls++;
          return wander.begin(problem);
        },
        advance: (problem, state) => {
          calls++;
          return wander.advance(problem, state);
        },
      };
      const journal = {
        restored: entries.slice(0, begunEntries[stopped]! + 1),
        // Killed before it was kept: that of the batch before.
        begun: begun[stopped - 1]!,
        record: () => {},
      };
      expect(outcome(await run({ attacks: [counted], journal }))).toEqual(outcome(whole));
      expect(calls).toBeLessThanOrEqual(begun.length - stopped + 2);
    }
  });

  test('leaves no tensor behind', async () => {
    const before = memory().numTensors;
    await run({ attacks: [wander] });
    expect(memory().numTensors).toBe(before);
  });
});

describe('parts of an evaluation', () => {
  const part = (from: number, to: number, options: Partial<EvaluateOptions> = {}) =>
    run({ data: sourceOf(examples.slice(from, to), shape), ...options });

  test('put together are the whole', async () => {
    const whole = outcome(await run());
    const parts = [await part(20, 21), await part(0, 20), await part(21, 45)];
    const merged = mergeEvaluations(parts);
    expect(outcome(merged)).toEqual(whole);
    expect(merged.attacks[0]!.seconds).toBeCloseTo(
      parts.reduce((sum, { attacks: results }) => sum + results[0]!.seconds, 0),
    );
  });

  test('that do not belong together are refused', async () => {
    const first = await part(0, 9);
    expect(() => mergeEvaluations([])).toThrow('no evaluations');
    expect(() => mergeEvaluations([first, first])).toThrow('have example 0');
    const seed = await part(9, 18, { seed: 2 });
    expect(() => mergeEvaluations([first, seed])).toThrow(
      'seed is 1 in the first, and 2 in number 2',
    );
    const fewer = await part(9, 18, { attacks: [fgsm()] });
    expect(() => mergeEvaluations([first, fewer])).toThrow('attacks is');
    const wider = await part(9, 18, { threat: linfBall(0.1) });
    expect(() => mergeEvaluations([first, wider])).toThrow('threat is');
  });
});
