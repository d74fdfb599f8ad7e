import {
  l2Ball,
  linfBall,
  lossObjective,
  margin,
  type Objective,
  type Problem,
  type ThreatModel,
} from '@llr/core';
import {
  add,
  argMax,
  getBackend,
  memory,
  neg,
  scalar,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Search, searchOf } from '../src/apgd/auto-pgd.ts';
import { intervalsOf } from '../src/apgd/checkpoints.ts';
import { objectiveOf } from '../src/apgd/objectives.ts';
import { compileAscents } from '../src/compiled-ascent.ts';
import { apgd, apgdTargeted } from '../src/index.ts';
import { examplesFor, linear, mlp, numbers, type Shape } from './helpers.ts';
import { disposeProblem, perturbationsOf, perturbed, problemOf } from './problems.ts';

const shape: Shape = [3, 2, 2];
const hasGraphs = getBackend() === 'tensorflow';
const l2 = (delta: Float32Array) => Math.hypot(...delta);
const linf = (delta: Float32Array) => Math.max(...delta.map(Math.abs));

describe('the schedule', () => {
  const checkpoints = (steps: number) =>
    intervalsOf(steps).flatMap((interval, step) => (interval > 0 ? [step] : []));

  test('has the checkpoints that the paper lists for 100 steps', () => {
    // Sec. 3.2: p = 0, 0.22, then each interval 0.03 shorter than the last, 0.06 at least.
    expect(checkpoints(100)).toEqual([22, 41, 57, 70, 80, 87, 93, 99]);
  });

  test('has intervals of whole steps, of one at least, none beyond the last step', () => {
    expect(intervalsOf(1)).toEqual([0]);
    expect(intervalsOf(3)).toEqual([0, 1, 1]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (steps) => {
        const intervals = intervalsOf(steps);
        expect(intervals).toHaveLength(steps);
        let last = 0;
        for (const step of checkpoints(steps)) {
          expect(intervals[step]).toBe(step - last);
          last = step;
        }
        // What is left at the end is shorter than an interval would be.
        expect(steps - last).toBeLessThanOrEqual(Math.max(1, Math.trunc(0.22 * steps)));
      }),
    );
  });
});

describe('runs and names', () => {
  const { classifier } = linear(1, shape, 4);

  test('are those of the loss', () => {
    expect(apgd().name).toBe('apgd-ce');
    expect(apgd({ objective: 'dlr' }).name).toBe('apgd-dlr');
    expect(apgd({ objective: lossObjective(margin) }).name).toBe('apgd-margin');
    expect(apgd({ name: 'mine' }).name).toBe('mine');
    expect(apgdTargeted().name).toBe('apgd-t');
    expect(apgd({ restarts: 3 }).runs(classifier)).toHaveLength(3);
    expect(apgd({ objective: 'dlr', steps: 7 }).settings).toEqual({
      objective: 'dlr',
      steps: 7,
      restarts: 1,
    });
  });

  test('aim at the likeliest classes first, at no more than there are', () => {
    const targetsOf = (options: Parameters<typeof apgdTargeted>[0]) =>
      apgdTargeted(options)
        .runs(classifier)
        .map(({ restart, target }) => [restart, target]);
    expect(targetsOf({})).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect(targetsOf({ targets: 1, restarts: 2 })).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  test('options that make no sense are refused when it is made', () => {
    for (const bad of [0, -1, 1.5, Number.NaN]) {
      expect(() => apgd({ steps: bad })).toThrow('steps');
      expect(() => apgd({ restarts: bad })).toThrow('restarts');
      expect(() => apgdTargeted({ steps: bad })).toThrow('steps');
      expect(() => apgdTargeted({ restarts: bad })).toThrow('restarts');
      expect(() => apgdTargeted({ targets: bad })).toThrow('targets');
    }
    expect(() => apgd({ objective: 'ce' as never })).toThrow("'cross-entropy', 'dlr'");
  });

  test('a targeted run without targets is refused', async () => {
    const examples = examplesFor(classifier, 1, 2);
    const problem = problemOf(classifier, examples, linfBall(0.1));
    await expect(async () => apgdTargeted({ steps: 2 }).perturb(problem)).rejects.toThrow(
      'targets',
    );
    disposeProblem(problem);
  });
});

describe('against a linear classifier of two classes', () => {
  const net = linear(1, shape, 2);
  const towards = (label: number) =>
    Array.from({ length: 12 }, (_, i) => {
      const [zero, one] = [net.weights[2 * i]!, net.weights[2 * i + 1]!];
      return label === 0 ? one - zero : zero - one;
    });

  test.each([
    apgd({ steps: 10 }),
    apgd({ steps: 10, objective: 'dlr' }),
    apgdTargeted({ steps: 10 }),
  ])('$name finds the best perturbation, ball and box included', async (attack) => {
    const examples = examplesFor(net.classifier, 2, 7);
    const [run] = attack.runs(net.classifier);
    for (const epsilon of [0.01, 0.1, 0.6]) {
      const found = await perturbed(attack, net.classifier, examples, linfBall(epsilon), {
        run: run!,
      });
      found.forEach((delta, i) => {
        const { image, label } = examples[i]!;
        towards(label).forEach((rise, at) => {
          const wanted = Math.min(1, Math.max(0, image[at]! + epsilon * Math.sign(rise)));
          expect(image[at]! + delta[at]!).toBeCloseTo(wanted, 5);
        });
      });
    }
  });

  test.each([apgd({ steps: 40 }), apgd({ steps: 40, objective: 'dlr' })])(
    '$name goes straight to the ℓ2 ball’s end',
    async (attack) => {
      const examples = [0, 1].map((label) => ({
        index: label,
        image: numbers(5 + label, 12, 0.3, 0.7),
        label,
      }));
      const found = await perturbed(attack, net.classifier, examples, l2Ball(0.2));
      found.forEach((delta, i) => {
        const rise = towards(examples[i]!.label);
        const norm = Math.hypot(...rise);
        delta.forEach((d, at) => {
          expect(d).toBeCloseTo((0.2 * rise[at]!) / norm, 3);
        });
      });
    },
  );
});

const curved = mlp(3, shape, 8, 4).classifier;
const attacks = [
  apgd({ steps: 9 }),
  apgd({ steps: 9, objective: 'dlr' }),
  apgd({ steps: 9, objective: lossObjective(margin) }),
  apgdTargeted({ steps: 9, targets: 2 }),
];

describe('every APGD', () => {
  test('stays in the ball and in the box, with a radius for each example', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...attacks),
        fc.constantFrom('linf', 'l2'),
        fc.array(fc.constantFrom(0, 1e-3, 8 / 255, 0.3, 1), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 0, max: 1000 }),
        async (attack, ball, radii, seed) => {
          const examples = examplesFor(curved, seed, 4);
          // The corners of the box too.
          examples[0]!.image.fill(0);
          examples[1]!.image.fill(1);
          const threat: ThreatModel = ball === 'linf' ? linfBall(radii) : l2Ball(radii);
          const [run] = attack.runs(curved);
          const found = await perturbed(attack, curved, examples, threat, { run: run!, seed });
          found.forEach((delta, i) => {
            const size = ball === 'linf' ? linf(delta) : l2(delta);
            expect(size).toBeLessThanOrEqual(radii[i]! * (1 + 1e-5) + 2e-7);
            if (radii[i] === 0) expect(size).toBe(0);
            delta.forEach((d, at) => {
              expect(examples[i]!.image[at]! + d).toBeGreaterThanOrEqual(-1e-7);
              expect(examples[i]!.image[at]! + d).toBeLessThanOrEqual(1 + 1e-7);
            });
          });
        },
      ),
      { numRuns: 15 },
    );
  });

  test('leaves no tensor behind but its result, and its inputs alone', async () => {
    for (const attack of attacks) {
      const [run] = attack.runs(curved);
      const problem = problemOf(curved, examplesFor(curved, 1, 3), linfBall(0.1), { run: run! });
      const before = memory().numTensors;
      await perturbationsOf(attack, problem);
      await perturbationsOf(attack, problem);
      expect(memory().numTensors).toBe(before);
      expect(problem.images.isDisposed).toBe(false);
      disposeProblem(problem);
    }
  });

  test('does the same to an example whatever its place and its neighbours, to the bit', async () => {
    const examples = examplesFor(curved, 4, 6);
    const others = examplesFor(curved, 5, 3).map((example) => ({
      ...example,
      index: example.index + 100,
    }));
    const elsewhere = [
      others[0]!,
      examples[4]!,
      examples[1]!,
      others[1]!,
      examples[0]!,
      others[2]!,
    ];
    for (const threat of [linfBall(0.1), l2Ball(0.3)]) {
      for (const attack of attacks) {
        const options = { run: attack.runs(curved)[0]! };
        const here = await perturbed(attack, curved, examples, threat, options);
        const there = await perturbed(attack, curved, elsewhere, threat, options);
        expect([there[1], there[2], there[4]]).toEqual([here[4], here[1], here[0]]);
      }
    }
  });

  test('perturbs compiled as it does eagerly', async () => {
    const examples = examplesFor(curved, 6, 5);
    for (const threat of [linfBall(0.1), l2Ball(0.3)]) {
      for (const attack of attacks) {
        const problem = problemOf(curved, examples, threat, { run: attack.runs(curved)[0]! });
        const eager = await perturbationsOf(attack, problem);
        let passes = 0;
        const logits = (images: Tensor4D) => {
          passes++;
          return problem.logits(images);
        };
        const release = compileAscents(logits, ({ message }) => expect.fail(message));
        await perturbationsOf(attack, { ...problem, logits });
        passes = 0;
        const compiled = await perturbationsOf(attack, { ...problem, logits });
        // One pass a step and one at the end; in a graph none that JavaScript sees.
        expect(passes).toBe(hasGraphs ? 0 : 9 + 1);
        compiled.forEach((delta, i) => {
          delta.forEach((d, at) => {
            expect(Math.abs(d - eager[i]![at]!)).toBeLessThan(1e-5);
          });
        });
        release();
        disposeProblem(problem);
      }
    }
  });
});

/** The states of a search, from before its first step to after its last; its tensors are the tidy's. */
function traceOf(problem: Problem, objective: Objective, steps: number): Search[] {
  const { begin, advance } = searchOf(problem, objective, steps);
  const trace = [begin()];
  for (let step = 0; step < steps; step++) {
    trace.push(advance(trace.at(-1)!, scalar(step, 'int32')));
  }
  return trace;
}

const rows = (perExample: Tensor) => [...perExample.dataSync()];

describe('a search', () => {
  test('starts on the sphere, but for the box, elsewhere in every restart', () => {
    // In the middle of the box, which is too far to bind.
    const examples = [0, 1, 2].map((index) => ({
      index,
      image: numbers(index, 12, 0.4, 0.6),
      label: 0,
    }));
    for (const [threat, size] of [
      [linfBall(0.1), linf],
      [l2Ball(0.1), l2],
    ] as const) {
      const starts = ['restart 0', 'restart 1'].flatMap((name, restart) => {
        const problem = problemOf(curved, examples, threat, { run: { name, restart } });
        const start = tidy(() => {
          const [{ perturbation }] = traceOf(problem, lossObjective(), 1) as [Search];
          return rows(perturbation);
        });
        disposeProblem(problem);
        return [0, 1, 2].map((i) => Float32Array.from(start.slice(12 * i, 12 * (i + 1))));
      });
      for (const start of starts) expect(size(start)).toBeCloseTo(0.1, 6);
      expect(new Set(starts.map(String)).size).toBe(6);
    }
  });

  test('never loses what it has found, and halves steps for each example by itself', () => {
    const examples = examplesFor(curved, 8, 8);
    const problem = problemOf(curved, examples, l2Ball([0.05, 0.1, 0.2, 0.3, 0.05, 0.1, 0.2, 0.3]));
    tidy(() => {
      const trace = traceOf(problem, objectiveOf('dlr').objective, 30);
      trace.slice(1).forEach((after, step) => {
        const before = trace[step]!;
        const [value, earlier] = [rows(after.bestValue), rows(before.bestValue)];
        const [size, larger] = [rows(after.stepSize), rows(before.stepSize)];
        examples.forEach((_, i) => {
          // The ratio is above 0 just where the prediction is wrong, so that both orders are one.
          expect(value[i]).toBeGreaterThanOrEqual(earlier[i]!);
          expect(rows(after.broken)[i]).toBe(value[i]! > 0 ? 1 : 0);
          expect([1, 0.5]).toContain(size[i]! / larger[i]!);
        });
      });
      const halvings = rows(trace.at(-1)!.stepSize).map(
        (size, i) => size / rows(trace[0]!.stepSize)[i]!,
      );
      expect(new Set(halvings).size).toBeGreaterThan(1);
    });
    disposeProblem(problem);
  });

  test('keeps a misclassified point, though values are higher elsewhere', async () => {
    const net = linear(1, shape, 2).classifier;
    // All misclassified to begin with; what it ascends leads back.
    const examples = examplesFor(net, 3, 4).map((example) => ({
      ...example,
      label: 1 - example.label,
    }));
    const back: Objective = {
      ...lossObjective((logits, labels) => neg(margin(logits, labels))),
      name: 'back',
    };
    const problem = problemOf(net, examples, linfBall(0.9));
    const found = await apgd({ steps: 20, objective: back }).perturb(problem);
    tidy(() => {
      const predictionsAt = (perturbation: Tensor4D) =>
        rows(argMax(problem.logits(add(problem.images, perturbation)), 1));
      const trace = traceOf(problem, back, 20);
      const labels = examples.map(({ label }) => label);
      const wrongAtStart = predictionsAt(trace[0]!.perturbation).map((k, i) => k !== labels[i]);
      expect(wrongAtStart).toContain(true);
      const right = trace.map(({ perturbation }) => predictionsAt(perturbation));
      labels.forEach((label, i) => {
        expect(right.map((predictions) => predictions[i])).toContain(label);
      });
      const wrong = predictionsAt(found).map((k, i) => k !== labels[i]);
      wrongAtStart.forEach((was, i) => {
        if (was) expect(wrong[i]).toBe(true);
      });
    });
    found.dispose();
    disposeProblem(problem);
  });

  test('shows a value that is not a number', async () => {
    const problem = problemOf(curved, examplesFor(curved, 3, 2), linfBall(0.1));
    const labels = tensor1d([0, 9], 'int32');
    const [fine, broken] = await perturbationsOf(apgd({ steps: 3 }), { ...problem, labels });
    expect(fine!.some(Number.isNaN)).toBe(false);
    expect(broken!.some(Number.isNaN)).toBe(true);
    labels.dispose();
    disposeProblem(problem);
  });
});
