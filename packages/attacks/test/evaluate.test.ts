import { type Attack, type Classifier, linfBall, type SimpleAttack } from '@llr/core';
import {
  add,
  argMax,
  max,
  memory,
  mul,
  slice,
  sqrt,
  sub,
  tensor4d,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AdversarialExample,
  adversarialExamples,
  type Evaluation,
  type EvaluationProgress,
  evaluate,
  fgsm,
  multiTargeted,
  pgd,
  untargeted,
} from '../src/index.ts';
import { type Example, examplesFor, linear, mlp, type Shape, sourceOf } from './helpers.ts';

const shape: Shape = [3, 2, 2];
const net = mlp(34, shape, 8, 4).classifier;
const examples = examplesFor(net, 3, 45);
// Where this network is neither wholly robust nor wholly broken, and attacks differ.
const epsilon = 0.08;
const threat = linfBall(epsilon);

function evaluated(attacks: Attack[], options: Partial<Parameters<typeof evaluate>[0]> = {}) {
  return evaluate({
    classifier: net,
    data: sourceOf(examples, shape),
    attacks,
    threat,
    seed: 1,
    batchSize: 8,
    selfChecks: false,
    ...options,
  });
}

function examplesOf(
  attack: Attack,
  options: Partial<Parameters<typeof adversarialExamples>[0]> = {},
) {
  return adversarialExamples({
    classifier: net,
    data: sourceOf(examples, shape),
    attack,
    threat,
    seed: 1,
    batchSize: 8,
    ...options,
  });
}

const weakPgd = (restarts = 1) => pgd({ stepSize: 0.02, steps: 1, restarts });
const byIndex = <T extends { index: number }>(results: T[]) =>
  [...results].sort((a, b) => a.index - b.index);
/** An evaluation without its wall times and its batch size. */
const outcome = ({ attacks, batchSize, ...rest }: Evaluation) => ({
  ...rest,
  attacks: attacks.map(({ seconds, ...attack }) => attack),
});
const correct = (found: Evaluation) => found.attacks.map(({ accuracy }) => accuracy.correct);

describe('what an evaluation says', () => {
  test('is the exact robustness of a linear classifier', async () => {
    const { classifier, weights, bias } = linear(21, shape, 4);
    const data = examplesFor(classifier, 5, 60);
    const logit = (image: Float32Array, k: number) =>
      image.reduce((z, x, i) => z + x * weights[i * 4 + k]!, bias[k]!);
    const worstMargin = ({ image, label }: Example, radius: number) =>
      Math.max(
        ...[0, 1, 2, 3]
          .filter((k) => k !== label)
          .map((k) => {
            const worst = image.map((x, i) => {
              const towards = Math.sign(weights[i * 4 + k]! - weights[i * 4 + label]!);
              return Math.min(1, Math.max(0, x + radius * towards));
            });
            return logit(worst, k) - logit(worst, label);
          }),
      );
    for (const radius of [0.01, 0.03, 0.1]) {
      const found = await evaluate({
        classifier,
        data: sourceOf(data, shape),
        attacks: [multiTargeted({ stepSize: 0.2, steps: 6 })],
        threat: linfBall(radius),
        seed: 0,
      });
      const robust = data.map((example) => worstMargin(example, radius) < 0);
      expect(found.examples.map(({ brokenBy }) => brokenBy === null)).toEqual(robust);
      expect(found.robust.correct).toBe(robust.filter(Boolean).length);
      expect(found.clean.correct).toBe(48);
    }
  });

  test('is consistent: clean, each attack, and the point-wise worst case', async () => {
    const attacks = [fgsm(), weakPgd(2), multiTargeted({ stepSize: 0.02, steps: 3 })];
    const found = await evaluated(attacks, { activeSet: 'within-attack' });
    expect(found.threat.name).toBe('linf');
    expect(found.threat.epsilon).toBeCloseTo(epsilon, 6);
    expect(found.clean).toMatchObject({ correct: 36, total: 45, value: 0.8 });
    expect(found.attacks.map(({ name, attacked }) => [name, attacked])).toEqual([
      ['fgsm', 36],
      ['pgd-1', 36],
      ['multi-targeted-3', 36],
    ]);
    for (const { accuracy, attacked, broken } of found.attacks) {
      expect(attacked - broken).toBe(accuracy.correct);
    }
    for (const { accuracy } of [...found.attacks, { accuracy: found.robust }]) {
      expect(accuracy.total).toBe(45);
    }
    const count = (by: string | null) =>
      found.examples.filter(({ brokenBy }) => brokenBy === by).length;
    expect(count('clean')).toBe(9);
    expect(count(null)).toBe(found.robust.correct);
    expect(correct(found)[0]).toBe(36 - count('fgsm'));
    for (const [i, attack] of attacks.entries()) {
      const alone = await evaluated([attack]);
      // What other attacks broke doesn't matter to an attack's own accuracy.
      expect(correct(alone)).toEqual([correct(found)[i]]);
      expect(found.robust.correct).toBeLessThanOrEqual(correct(found)[i]!);
      expect(correct(found)[i]).toBeLessThanOrEqual(found.clean.correct);
    }
    // The set-up is worth something only if attacks differ.
    expect(found.robust.correct).toBeGreaterThan(0);
    expect(new Set(correct(found)).size).toBe(3);
    for (const { label, prediction, brokenBy, brokenIn } of found.examples) {
      expect(brokenBy === 'clean').toBe(prediction !== label);
      expect(Object.keys(brokenIn)).toHaveLength(brokenBy === 'clean' ? 0 : 3);
      const first = Object.entries(brokenIn).find(([, run]) => run !== null);
      if (brokenBy !== 'clean') expect(brokenBy).toBe(first?.[0] ?? null);
    }
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  test('is the clean accuracy at ε = 0', async () => {
    const found = await evaluated([fgsm(), weakPgd(2), multiTargeted({ stepSize: 1, steps: 2 })], {
      threat: linfBall(0),
    });
    expect(correct(found)).toEqual([36, 36, 36]);
    expect(found.robust).toEqual(found.clean);
  });

  test('is never raised by more restarts', async () => {
    let before = Number.POSITIVE_INFINITY;
    const robust: number[] = [];
    for (const restarts of [1, 2, 4, 8]) {
      const { robust: now } = await evaluated([weakPgd(restarts)]);
      expect(now.correct).toBeLessThanOrEqual(before);
      before = now.correct;
      robust.push(before);
    }
    expect(robust.at(-1)).toBeLessThan(robust[0]!);
  });

  test('depends on predictions, never on the loss', async () => {
    // Raises the loss of every example as much as it can, but only changes the prediction of some.
    const found = await evaluated([fgsm()]);
    const seen = await examplesOf(fgsm());
    found.examples.forEach(({ brokenBy, label }, i) => {
      if (brokenBy === 'clean') return;
      expect(brokenBy === 'fgsm').toBe(seen[i]!.adversarialPrediction !== label);
    });
  });
});

describe('determinism, to the bit', () => {
  const attack = () => multiTargeted({ stepSize: 0.02, steps: 3, restarts: 2 });

  test('neither order nor which others are evaluated matters', async () => {
    const wanted = await examplesOf(attack());
    const wantedOutcome = (await evaluated([attack(), weakPgd()])).examples;
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(examples, { minLength: 1 }), async (some: Example[]) => {
        const data = sourceOf(some, shape);
        const same = (all: { index: number }[]) =>
          byIndex(all.filter(({ index }) => some.some((example) => example.index === index)));
        const found = await examplesOf(attack(), { data });
        expect(found.map(({ index }) => index)).toEqual(some.map(({ index }) => index));
        expect(byIndex(found)).toEqual(same(wanted));
        const evaluation = await evaluated([attack(), weakPgd()], { data });
        expect(byIndex(evaluation.examples)).toEqual(same(wantedOutcome));
      }),
      { numRuns: 12 },
    );
  });

  test('skipping what is broken changes nothing: the same as every run on every example', async () => {
    const found = await examplesOf(attack());
    const broken = new Map<number, { run: string; perturbation: Float32Array }>();
    const last = new Map<number, Float32Array>();
    // Every run as an attack of its own under the same name, on the whole set, none of it skipped.
    for (const run of attack().runs(net)) {
      const single: Attack = { ...attack(), runs: () => [run] };
      for (const {
        index,
        label,
        prediction,
        adversarialPrediction,
        perturbation,
      } of await examplesOf(single)) {
        if (prediction !== label) continue;
        last.set(index, perturbation);
        if (adversarialPrediction !== label && !broken.has(index)) {
          broken.set(index, { run: run.name, perturbation });
        }
      }
    }
    expect(broken.size).toBeGreaterThan(5);
    expect(new Set([...broken.values()].map(({ run }) => run)).size).toBeGreaterThan(2);
    expect(last.size - broken.size).toBeGreaterThan(5);
    for (const { index, label, prediction, adversarialPrediction, perturbation, run } of found) {
      if (prediction !== label) continue;
      expect(adversarialPrediction !== label).toBe(broken.has(index));
      if (broken.has(index)) expect({ run, perturbation }).toEqual(broken.get(index));
      else expect(perturbation).toEqual(last.get(index));
    }
  });

  test('broken examples are not attacked again, and batches are filled with the others', async () => {
    const batches: Set<string>[] = [];
    const attempts = new Map<number, number>();
    const inner = attack();
    const spied: SimpleAttack = {
      ...inner,
      perturb: (problem) => {
        expect(problem.images.shape[0]).toBe(8);
        const targets = problem.targets!.dataSync();
        const starts = problem.random.integers([8, 1], 2 ** 31);
        const rows = [...problem.indices].map((index, i) => `${index} ${targets[i]} ${starts[i]}`);
        batches.push(new Set(rows));
        for (const row of new Set(rows)) {
          const index = Number.parseInt(row, 10);
          attempts.set(index, (attempts.get(index) ?? 0) + 1);
        }
        return inner.perturb(problem);
      },
    };
    const { attacks, robust } = await evaluated([spied]);
    expect(attempts.size).toBe(36);
    const survivors = robust.correct;
    const most = [...attempts.values()].filter((n) => n === 6).length;
    expect(most).toBeGreaterThanOrEqual(survivors);
    expect([...attempts.values()].filter((n) => n === 1).length).toBeGreaterThan(3);
    // Of the last examples several tries are made at once: no more than that is not full.
    expect(batches.filter(({ size }) => size < 8).length).toBeLessThanOrEqual(1);
    const tries = [...attempts.values()].reduce((sum, n) => sum + n, 0);
    expect(tries).toBeLessThan(36 * 6);
    expect(batches.length).toBeLessThanOrEqual(Math.ceil(tries / 8) + 1);
    // Tries at an example that one of the same batch broke aren't counted.
    expect(attacks[0]!.tries).toBeGreaterThanOrEqual(36 + 5 * survivors);
    expect(attacks[0]!.tries).toBeLessThanOrEqual(tries);
  });

  test('the same seed gives the same bytes, another one others', async () => {
    const once = await examplesOf(weakPgd());
    expect(await examplesOf(weakPgd())).toEqual(once);
    expect(await examplesOf(weakPgd(), { seed: 2 })).not.toEqual(once);
    expect(await examplesOf(pgd({ stepSize: 0.02, steps: 1, name: 'other' }))).not.toEqual(once);
  });

  test('another batch size gives the same outcome', async () => {
    const attacks = [fgsm(), attack(), untargeted({ stepSize: 0.02, steps: 4 })];
    const wanted = outcome(await evaluated(attacks));
    for (const batchSize of [1, 13, 64]) {
      expect(outcome(await evaluated(attacks, { batchSize }))).toEqual(wanted);
    }
  });
});

describe('adversarialExamples', () => {
  test('gives the perturbations that evaluate judged', async () => {
    const attack = () => multiTargeted({ stepSize: 0.02, steps: 3 });
    const found = await examplesOf(attack());
    const evaluation = await evaluated([attack()]);
    const check = (example: AdversarialExample, i: number) => {
      const { index, label, prediction, adversarialPrediction, run, image, perturbation } = example;
      const { brokenBy } = evaluation.examples[i]!;
      expect({ index, label, prediction }).toEqual({
        index: evaluation.examples[i]!.index,
        label: evaluation.examples[i]!.label,
        prediction: evaluation.examples[i]!.prediction,
      });
      expect(image).toEqual(examples[i]!.image);
      const argmax = tidy(() => {
        const perturbed = add(
          tensor4d(image, [1, ...shape]),
          tensor4d(perturbation, [1, ...shape]),
        );
        return argMax(net.freeze('running')(perturbed as never), 1).dataSync()[0];
      });
      expect(adversarialPrediction).toBe(argmax);
      if (brokenBy === 'clean') {
        expect(run).toBeNull();
        expect(perturbation.every((d) => d === 0)).toBe(true);
      } else {
        expect(brokenBy === null).toBe(adversarialPrediction === label);
        expect(run).toMatch(/^restart 0, target [012]$/);
        expect(Math.max(...perturbation.map(Math.abs))).toBeGreaterThan(0);
      }
    };
    found.forEach(check);
  });
});

/** A user's own attack: a plain object. */
const brighten: SimpleAttack = {
  name: 'brighten',
  runs: () => [{ name: 'brighter', restart: 0 }],
  perturb: ({ images, threat }) =>
    tidy(() => threat.project(add(zerosLike(images), threat.radius), images)),
};

describe('a custom attack', () => {
  test('is a plain object, and may be asynchronous', async () => {
    const later: SimpleAttack = {
      ...brighten,
      name: 'later',
      perturb: async (problem) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return brighten.perturb(problem);
      },
    };
    const found = await evaluated([brighten, later], { activeSet: 'within-attack' });
    expect(correct(found)[0]).toBe(correct(found)[1]);
    const seen = await examplesOf(brighten);
    const { image, perturbation } = seen.find(({ run }) => run !== null)!;
    perturbation.forEach((d, i) => {
      expect(d).toBeCloseTo(Math.min(epsilon, 1 - image[i]!), 6);
    });
  });

  test.each<[string, SimpleAttack['perturb'], RegExp]>([
    [
      'leaves the ball',
      ({ images }) => tidy(() => mul(images, -0.5)),
      /"cheat" \(brighter\) perturbs example \d+ by 0\.\d+, more than the linf radius 0\.0/,
    ],
    [
      'leaves the ball a little',
      ({ images, threat }) => tidy(() => mul(threat.project(mul(images, -1), images), 1.001)),
      /"cheat" \(brighter\) perturbs example \d+ by 0\.080/,
    ],
    [
      'leaves the box',
      ({ images }) => tidy(() => add(zerosLike(images), epsilon)),
      /"cheat" \(brighter\) moves a pixel of example \d+ .*out of \[0, 1\]/,
    ],
    [
      'gives NaN',
      ({ images }) => tidy(() => mul(images, Number.NaN)),
      /"cheat" \(brighter\) gave NaN for example/,
    ],
    [
      'gives one perturbation for all',
      ({ images }) => tidy(() => slice(images, [0, 0, 0, 0], [1, 3, 2, 2])),
      /"cheat" \(brighter\) returned perturbations of shape \[1,3,2,2\]/,
    ],
    ['gives no tensor', () => undefined as never, /"cheat" \(brighter\) returned undefined/],
  ])('that %s is an error naming it', async (_, perturb, message) => {
    const before = memory().numTensors;
    const cheat = { ...brighten, name: 'cheat', perturb };
    await expect(evaluated([cheat])).rejects.toThrow(message);
    expect(memory().numTensors).toBe(before);
  });

  test('without runs, without a name or with that of another is refused', async () => {
    await expect(evaluated([{ ...brighten, runs: () => [] }])).rejects.toThrow('makes no runs');
    await expect(evaluated([{ ...brighten, name: '' }])).rejects.toThrow('another name');
    await expect(evaluated([{ ...brighten, name: 'clean' }])).rejects.toThrow('another name');
    await expect(evaluated([brighten, fgsm(), brighten])).rejects.toThrow(
      'Two attacks are called "brighten"',
    );
  });
});

describe('bad input', () => {
  const broken = (logits: Classifier['freeze']): Classifier => ({ ...net, freeze: logits });

  test('NaN logits are an error, clean or under attack', async () => {
    const nan = broken(
      () => (images) => tidy(() => mul(net.freeze('running')(images), Number.NaN)),
    );
    await expect(evaluated([], { classifier: nan })).rejects.toThrow('mlp gave NaN for example 0');
    // No image is white anywhere, until it is brightened.
    const later = broken(
      () => (images) =>
        tidy(() => add(net.freeze('running')(images), mul(0, sqrt(sub(0.9999, max(images)))))),
    );
    await expect(evaluated([], { classifier: later })).resolves.toBeDefined();
    await expect(evaluated([brighten], { classifier: later })).rejects.toThrow('gave NaN');
  });

  test('logits of another shape', async () => {
    const classifier = { ...net, numClasses: 5 };
    await expect(evaluated([], { classifier })).rejects.toThrow('logits of shape [8,4]');
  });

  test.each<[string, (all: Example[]) => void, RegExp]>([
    ['a label too large', (all) => Object.assign(all[7]!, { label: 4 }), /example 7 has label 4/],
    ['a negative label', (all) => Object.assign(all[7]!, { label: -1 }), /example 7 has label -1/],
    ['a pixel of 255', (all) => all[9]!.image.fill(255), /example 9 has a pixel of 255/],
    ['a NaN pixel', (all) => all[9]!.image.fill(Number.NaN, 3, 4), /example 9 .* NaN/],
  ])('%s', async (_, spoil, message) => {
    const all = examples.map((example) => ({ ...example, image: example.image.slice() }));
    spoil(all);
    await expect(evaluated([], { data: sourceOf(all, shape) })).rejects.toThrow(message);
  });

  test('a source that does not fit or does not keep its word', async () => {
    const source = (overrides: Parameters<typeof sourceOf>[2]) => ({
      data: sourceOf(examples, shape, overrides),
    });
    await expect(evaluated([], source({ inputShape: [2, 3, 2] }))).rejects.toThrow('2 × 3 × 2');
    await expect(evaluated([], source({ size: 0 }))).rejects.toThrow('has no images');
    await expect(evaluated([], source({ size: 46 }))).rejects.toThrow('45 images of the 46');
    await expect(evaluated([], source({ size: 44 }))).rejects.toThrow('more images than its 44');
  });

  test('radii for some of the examples, a bad batch size, a bad seed', async () => {
    await expect(evaluated([], { threat: linfBall([0.1, 0.2]) })).rejects.toThrow(
      '2 radii for 45 examples',
    );
    for (const batchSize of [0, 2.5, Number.NaN]) {
      await expect(evaluated([], { batchSize })).rejects.toThrow('batchSize');
    }
    await expect(evaluated([], { seed: 0.5 })).rejects.toThrow('seed');
  });
});

describe('a radius for each example', () => {
  const radii = examples.map((_, i) => [0, 0.02, 0.08, 0.3][i % 4]!);
  const attacks = () => [fgsm(), weakPgd(2), multiTargeted({ stepSize: 0.05, steps: 3 })];

  test('is what the example gets where all have the same', async () => {
    const found = await evaluated(attacks(), { threat: linfBall(radii) });
    expect(found.threat).toEqual({ name: 'linf', epsilon: 'per example' });
    for (const radius of new Set(radii)) {
      const alike = await evaluated(attacks(), { threat: linfBall(radius) });
      found.examples.forEach(({ epsilon: own, ...example }, i) => {
        if (radii[i] !== radius) return;
        expect(own).toBeCloseTo(radius, 6);
        expect(example).toEqual(alike.examples[i]);
      });
    }
  });

  test('is what an attack is held to', async () => {
    const byEight: SimpleAttack = {
      ...brighten,
      perturb: ({ images }) =>
        tidy(() => linfBall(0.08).project(add(zerosLike(images), 0.08), images)),
    };
    await expect(evaluated([byEight], { threat: linfBall(radii) })).rejects.toThrow(
      /perturbs example \d+ by 0\.0[78]\d*, more than the linf radius 0(\.0[12]\d*)?:/,
    );
  });
});

describe('the active set', () => {
  const attacks = () => [
    weakPgd(2),
    fgsm(),
    untargeted({ stepSize: 0.02, steps: 3, restarts: 2 }),
    multiTargeted({ stepSize: 0.02, steps: 3, restarts: 2 }),
  ];

  test('changes nothing about the worst case and what broke it: the same as every run on every example', async () => {
    const full = await evaluated(attacks(), { activeSet: 'off' });
    const tries = (found: Evaluation) => found.attacks.reduce((sum, a) => sum + a.tries, 0);
    expect(tries(full)).toBe(36 * (2 + 1 + 2 + 6));
    for (const activeSet of ['within-attack', 'across-attacks'] as const) {
      const found = await evaluated(attacks(), { activeSet });
      expect(found.robust).toEqual(full.robust);
      found.examples.forEach(({ brokenBy, brokenIn }, i) => {
        expect(brokenBy).toBe(full.examples[i]!.brokenBy);
        expect(full.examples[i]!.brokenIn).toMatchObject(brokenIn);
      });
      expect(tries(found)).toBeLessThan(tries(full));
      if (activeSet === 'within-attack') expect(correct(found)).toEqual(correct(full));
      else expect(correct(found).at(-1)).toBe(full.robust.correct);
    }
    expect(new Set(full.examples.map(({ brokenBy }) => brokenBy)).size).toBeGreaterThan(3);
  });

  test('across attacks leaves an attack the examples that those before it did not break', async () => {
    const found = await evaluated(attacks());
    found.attacks.forEach(({ attacked, broken, accuracy }, i) => {
      expect(attacked).toBe(i === 0 ? 36 : found.attacks[i - 1]!.accuracy.correct);
      expect(accuracy.correct).toBe(attacked - broken);
    });
  });
});

describe('the success rate of targeted attacks', () => {
  const aimed = () => multiTargeted({ stepSize: 0.05, steps: 4, name: 'aimed' });
  const rate = (found: Evaluation) => found.attacks.map(({ targetedSuccess }) => targetedSuccess);

  test('counts examples that some run had predicted as its target, and is the same with an active set', async () => {
    const options = { targetedSuccess: true };
    const full = await evaluated([fgsm(), aimed()], { ...options, activeSet: 'off' });
    expect(rate(full)[0]).toBeNull();
    // Every wrong class is a target, so a broken example is one that was taken for its target by some run, or by a
    // run with another target; misclassified ones are tried too.
    const hits = rate(full)[1]!;
    expect(hits.total).toBe(45);
    expect(hits.correct).toBeGreaterThan(full.attacks[1]!.broken / 2);
    const misclassified = full.examples.filter(({ brokenBy }) => brokenBy === 'clean');
    expect(misclassified.every(({ hit }) => hit?.aimed !== undefined)).toBe(true);
    expect(misclassified.some(({ hit }) => hit?.aimed)).toBe(true);
    for (const activeSet of ['within-attack', 'across-attacks'] as const) {
      const found = await evaluated([fgsm(), aimed()], { ...options, activeSet });
      expect(rate(found)).toEqual(rate(full));
      expect(found.robust).toEqual(full.robust);
    }
    expect(rate(await evaluated([fgsm(), aimed()]))).toEqual([null, null]);
  });
});

describe('progress', () => {
  test('goes from 0 to all tries and all examples', async () => {
    const seen: EvaluationProgress[] = [];
    const found = await evaluated([fgsm(), multiTargeted({ stepSize: 0.05, steps: 2 })], {
      onProgress: (progress) => seen.push(progress),
    });
    expect(new Set(seen.map(({ attack }) => attack))).toEqual(
      new Set(['clean', 'fgsm', 'multi-targeted-2']),
    );
    expect(seen[0]).toMatchObject({ done: 0, total: 45 * 4, settled: 0, examples: 45, robust: 0 });
    const last = { done: 45 * 4, settled: 45, robust: found.robust.correct };
    expect(seen.at(-1)).toMatchObject(last);
    seen.slice(1).forEach(({ done, settled }, i) => {
      expect(done).toBeGreaterThanOrEqual(seen[i]!.done);
      expect(settled).toBeGreaterThanOrEqual(seen[i]!.settled);
    });
    // The first examples are through before the last are read.
    expect(seen.find(({ settled }) => settled > 8)!.done).toBeLessThan(45 * 2);
  });

  test('is where an evaluation may be ended', async () => {
    const before = memory().numTensors;
    const stop = new AbortController();
    const ended = evaluated([fgsm()], {
      signal: stop.signal,
      onProgress: ({ settled }) => settled > 0 && stop.abort(new Error('enough')),
    });
    await expect(ended).rejects.toThrow('enough');
    expect(memory().numTensors).toBe(before);
  });
});

test('leaves no tensor behind', async () => {
  const before = memory().numTensors;
  const attacks = [fgsm(), weakPgd(2), multiTargeted({ stepSize: 0.05, steps: 2 }), brighten];
  await evaluated(attacks);
  await examplesOf(weakPgd());
  expect(memory().numTensors).toBe(before);
});
