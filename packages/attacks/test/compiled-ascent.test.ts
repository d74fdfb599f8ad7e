import {
  inRadii,
  l2Ball,
  linfBall,
  momentum,
  type Problem,
  type Run,
  randomSource,
  type SimpleAttack,
} from '@llr/core';
import {
  add,
  getBackend,
  memory,
  mul,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { compileAscents } from '../src/compiled-ascent.ts';
import { evaluate, fgsm, multiTargeted, pgd, randomTargeted, untargeted } from '../src/index.ts';
import { examplesFor, mlp, numbers, sourceOf } from './helpers.ts';
import { targetsFor } from './problems.ts';

const shape = [4, 3, 1] as const;
const { classifier: net, dispose } = mlp(3, shape, 8, 4);
afterAll(() => void dispose());
const hasGraphs = getBackend() === 'tensorflow';

const batches = [0, 1, 2].map((seed) => ({
  images: tensor4d(numbers(seed, 6 * 12), [6, ...shape]),
  labels: tensor1d([0, 1, 2, 3, 1, 0], 'int32'),
  indices: Int32Array.from({ length: 6 }, (_, i) => 6 * seed + i),
}));
const threats = [linfBall(0.1), linfBall(0.3), l2Ball(0.5)];

const problemOf = (i: number, logits: Problem['logits'], run: Run): Problem => {
  const { images, labels, indices } = batches[i]!;
  const random = randomSource(i).forExamples(
    indices,
    Array.from(indices, () => [run.name]),
  );
  const problem = { images, labels, indices, logits, threat: threats[i]!, random };
  if (run.target === undefined) return problem;
  return { ...problem, targets: tensor1d(targetsFor(problem, run), 'int32') };
};

const attacks: SimpleAttack[] = [
  fgsm(),
  fgsm({ steps: 4 }),
  pgd({ stepSize: 0.05, steps: 3, restarts: 2 }),
  pgd({ stepSize: 0.05, steps: 3, keep: 'best', name: 'best' }),
  untargeted({ stepSize: (step) => 0.1 / (step + 1), steps: 3 }),
  multiTargeted({ stepSize: 0.05, steps: 3 }),
  randomTargeted({ stepSize: 0.05, steps: 3 }),
  pgd({ stepSize: 0.5, steps: 3, optimizer: inRadii(momentum()) }),
];

const largestGap = (a: Tensor4D, b: Tensor4D) => {
  const other = b.dataSync();
  return Math.max(...Array.from(a.dataSync(), (value, i) => Math.abs(value - other[i]!)));
};

describe('a compiled ascent', () => {
  test.each(attacks.map((attack) => [attack.name, attack] as const))(
    'perturbs as it does eagerly, whatever batch, run, radius and ball: %s',
    async (_, attack) => {
      const eager = (images: Tensor4D) => net.freeze('running')(images);
      let passes = 0;
      const logits: Problem['logits'] = (images) => {
        passes++;
        return eager(images);
      };
      const notes: string[] = [];
      const release = compileAscents(logits, ({ message }) => notes.push(message));
      // Each shape of batch and each kind of ball once: three times the same.
      const counts: number[] = [];
      for (const round of [0, 1, 2]) {
        for (const i of batches.keys()) {
          for (const run of attack.runs(net)) {
            const problem = problemOf(i, eager, run);
            const expected = await attack.perturb(problem);
            const found = await attack.perturb({ ...problem, logits });
            expect(largestGap(found, expected)).toBeLessThan(1e-5);
            found.dispose();
            expected.dispose();
            problem.targets?.dispose();
          }
        }
        counts.push(memory().numTensors);
        if (round === 0 && hasGraphs) passes = 0;
      }
      // On graphs the network was recorded the first time, and never asked again.
      expect(passes > 0).toBe(!hasGraphs);
      expect(new Set(counts).size).toBe(1);
      expect(notes).toEqual([]);
      release();
    },
  );

  test('runs eagerly, with a note, where the network or the threat model can not be compiled', async () => {
    const weights = tidy(() => mul(batches[0]!.images, 0.5)) as Tensor4D;
    const captured: Problem['logits'] = (images) => net.freeze('running')(add(images, weights));
    const notes: string[] = [];
    const release = compileAscents(captured, ({ message }) => notes.push(message));
    const attack = attacks[2]!;
    const run = attack.runs(net)[0]!;
    const problem = problemOf(0, captured, run);
    const found = [await attack.perturb(problem), await attack.perturb(problem)];
    expect(notes).toHaveLength(hasGraphs ? 1 : 0);
    release();
    const expected = await attack.perturb(problem);
    for (const perturbation of found) expect(largestGap(perturbation, expected)).toBe(0);
    // A copy of a ball is another threat model: it can't be rebuilt with another radius.
    const still = { ...linfBall(0.1), project: (delta: Tensor4D) => mul(delta, 0) as Tensor4D };
    expect('withRadius' in still).toBe(false);
    const held = await attack.perturb({ ...problem, threat: still });
    expect(Math.max(...held.dataSync().map(Math.abs))).toBe(0);
    for (const tensor of [...found, expected, held, weights]) tensor.dispose();
  });

  test('warns once in an evaluation whose network can not be compiled', async () => {
    const warning = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const constant = tensor1d([0, 0, 0, 0]);
    const classifier = {
      ...net,
      freeze: () => (images: Tensor4D) => add(net.freeze('running')(images), constant) as never,
    };
    const data = sourceOf(examplesFor(net, 8, 10), shape);
    const options = {
      data,
      attacks: [fgsm(), attacks[2]!],
      threat: threats[0]!,
      seed: 1,
      batchSize: 5,
    };
    const eager = await evaluate({ classifier, ...options });
    expect(warning).toHaveBeenCalledTimes(hasGraphs ? 1 : 0);
    const compiled = await evaluate({ classifier: net, ...options });
    expect(compiled.examples).toEqual(eager.examples);
    warning.mockRestore();
    constant.dispose();
  });
});
