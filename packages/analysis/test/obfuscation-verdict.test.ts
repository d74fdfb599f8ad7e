import {
  crossEntropy,
  l2Ball,
  linfBall,
  lossObjective,
  projectedAscent,
  randomSource,
  sign,
} from '@llr/core';
import {
  add,
  div,
  floor,
  matMul,
  mean,
  memory,
  mul,
  reshape,
  type Scalar,
  softplus,
  sub,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tidy,
  train,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  type ObfuscationVerdict,
  type ObfuscationVerdictOptions,
  obfuscationVerdict,
  type VerdictEntry,
} from '../src/index.ts';
import {
  batchOf,
  classes,
  classifierOf,
  isRobust,
  likeness,
  sourceOf,
  templateExamples,
} from './template-images.ts';

const examples = templateExamples(64);
const epsilon = 0.03;
const options: Omit<ObfuscationVerdictOptions, 'classifier'> = {
  data: sourceOf(examples),
  threat: linfBall(epsilon),
  seed: 0,
  batchSize: 64,
  steps: [1, 5, 20],
  restarts: 3,
  queries: 150,
};

const verdictOn = (name: string, logits: (images: Tensor4D) => Tensor2D) =>
  obfuscationVerdict({ ...options, classifier: classifierOf(name, logits) });

const failed = ({ reasons }: ObfuscationVerdict) =>
  reasons.filter(({ outcome }) => outcome === 'failed').map(({ check }) => check);

describe('a linear network', () => {
  it('is cleared, with the robust accuracy that it has by its weights', async () => {
    const before = memory().numTensors;
    const found = await verdictOn('linear', likeness);
    expect(memory().numTensors).toBe(before);
    expect(failed(found)).toEqual([]);
    expect(found.verdict).toBe('clear');
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);

    const robustAt = (at: number) => examples.filter((one) => isRobust(one, at)).length;
    // Some are, some aren't: otherwise there is nothing to find.
    expect(robustAt(epsilon)).toBeGreaterThan(16);
    expect(robustAt(epsilon)).toBeLessThan(56);
    expect(found.clean.correct).toBe(robustAt(0));
    expect(found.robust.correct).toBe(robustAt(epsilon));
    // The box ends 0.3 from any pixel.
    for (const { at, accuracy } of found.curves.epsilon.filter(({ at }) => at < 0.25)) {
      const known = robustAt(at);
      expect(accuracy.correct, `ε = ${at}`).toBeGreaterThanOrEqual(known);
      expect(accuracy.correct, `ε = ${at}`).toBeLessThanOrEqual(known + 3);
    }
    expect(found.curves.epsilon.at(-1)!.accuracy.correct).toBe(0);
    expect(found.curves.steps.map(({ at }) => at)).toEqual([1, 5, 20]);
    expect(found.curves.restarts.map(({ at }) => at)).toEqual([1, 2, 3]);
    // Its perturbations are the signs of differences of the patterns.
    expect(found.noise.correlation).toBeGreaterThan(0.3);
  });
});

describe('in an ℓ2 ball', () => {
  it('a linear network is cleared too, up to where the ball holds the whole box', async () => {
    const found = await obfuscationVerdict({
      ...options,
      threat: l2Ball(0.2),
      classifier: classifierOf('linear', likeness),
    });
    expect(found.reasons.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(found.verdict).toBe('clear');
    const at = found.curves.epsilon.map((point) => point.at);
    [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 4, 8].forEach((radius, i) => {
      expect(at[i]).toBeCloseTo(radius, 6);
    });
    expect(found.curves.epsilon.at(-1)!.accuracy.correct).toBe(0);
  });
});

describe('a network made to mask its gradients', () => {
  it('by logits that saturate the softmax is found out', async () => {
    const found = await verdictOn('saturated softmax', (x) => mul(likeness(x), 1e4));
    expect(found.verdict).toBe('masked');
    expect(failed(found)).toEqual(expect.arrayContaining(['losses', 'network']));
    expect(found.summary).toContain('losses');
  });

  it('by logits that saturate themselves is found out', async () => {
    const found = await verdictOn('saturated logits', (x) => tanh(mul(likeness(x), 1e4)));
    expect(found.verdict).toBe('masked');
    expect(failed(found)).toContain('gradients');
  });

  it('by a layer that quantises its input is found out', async () => {
    const found = await verdictOn('quantised', (x) =>
      likeness(div(floor(mul(x, 32)), 32) as Tensor4D),
    );
    expect(found.verdict).toBe('masked');
    expect(failed(found)).toEqual(expect.arrayContaining(['gradients', 'black box']));
    const { text } = found.reasons.find(({ check }) => check === 'black box')!;
    expect(text).toMatch(/^square-150, which sees no gradients of this network, broke \d+ of 64/);
  });
});

describe('a network trained adversarially with many steps', () => {
  it('is cleared', async () => {
    const logits = trained();
    const found = await verdictOn('adversarially trained', logits);
    expect(found.clean.value).toBeGreaterThan(0.6);
    expect(found.reasons.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(found.verdict).toBe('clear');
  });
});

describe('a network that knows nothing', () => {
  it('is neither cleared nor condemned', async () => {
    const found = await verdictOn('constant', (x) => mul(likeness(x), 0));
    expect(found.clean.correct).toBe(16);
    expect(found.verdict).toBe('suspicious');
    expect(found.summary).toMatch(/Nothing can be said: the network is right about 16 of 64/);
  });
});

describe('a verdict that was stopped', () => {
  const classifier = classifierOf('linear', likeness);
  it('goes on in any of its parts and comes to the same', async () => {
    const entries: VerdictEntry[] = [];
    const whole = await obfuscationVerdict({
      ...options,
      classifier,
      journal: { restored: [], record: (entry) => void entries.push(entry) },
    });
    const parts = new Set(entries.map(({ part }) => part));
    expect([...parts]).toEqual([
      'attacks',
      'ε = 0.0075',
      'ε = 0.015',
      'ε = 0.06',
      'ε = 0.12',
      'ε = 0.24',
      'ε = 0.5',
      'ε = 1',
      'γ',
    ]);
    for (const done of [3, entries.length]) {
      const restored = JSON.parse(JSON.stringify(entries.slice(0, done))) as VerdictEntry[];
      const more: VerdictEntry[] = [];
      const found = await obfuscationVerdict({
        ...options,
        classifier,
        journal: { restored, record: (entry) => void more.push(entry) },
      });
      expect(found).toEqual(whole);
      // What was done isn't done again; batches may be made up otherwise.
      expect(more.length).toBeLessThanOrEqual(entries.length - done + 2);
      if (done === entries.length) expect(more).toEqual([]);
    }
  });

  it('stops with the reason of its signal', async () => {
    const stop = new AbortController();
    const onProgress = ({ part }: { part: string }) => {
      if (part === 'ε = 0.06') stop.abort(new Error('enough'));
    };
    await expect(
      obfuscationVerdict({ ...options, classifier, signal: stop.signal, onProgress }),
    ).rejects.toThrow('enough');
  });
});

describe('transfer', () => {
  it('finds what white-box attacks on a quantised network miss', async () => {
    const classifier = classifierOf('quantised', (x) =>
      likeness(div(floor(mul(x, 32)), 32) as Tensor4D),
    );
    const surrogate = classifierOf('smooth', likeness);
    const found = await obfuscationVerdict({ ...options, classifier, surrogate });
    const transfer = found.attacks.find(({ name }) => name === 'untargeted-20-from-smooth')!;
    expect(transfer.access).toBe('black-box');
    const usual = found.attacks.find(({ name }) => name === 'untargeted-20')!;
    expect(transfer.accuracy.correct).toBeLessThan(usual.accuracy.correct);
    expect(failed(found)).toContain('black box');
  });
});

it.each([
  ['an ε of 0', { threat: linfBall(0) }, /above 0/],
  ['an ε for each image', { threat: linfBall([0.1, 0.2]) }, /one ε/],
  ['steps that fall', { steps: [5, 1] }, /rising/],
  ['a single number of steps', { steps: [5] }, /at least two/],
  ['no restarts', { restarts: 0 }, /restarts/],
  ['half a query', { queries: 0.5 }, /queries/],
])('refuses %s', async (_, wrong, message) => {
  const classifier = classifierOf('linear', likeness);
  await expect(obfuscationVerdict({ ...options, classifier, ...wrong })).rejects.toThrow(message);
});

/** A small network with a hidden layer, trained on what ten steps of PGD find. */
function trained(): (images: Tensor4D) => Tensor2D {
  const random = randomSource(1).forExamples([0]);
  const drawn = (name: string, rows: number, columns: number): Variable =>
    tidy(() =>
      variable(reshape(random.fork(name).uniform([1, rows * columns], -0.3, 0.3), [rows, columns])),
    );
  const parameters = [drawn('first', 64, 24), drawn('second', 24, classes)] as const;
  const logits = (images: Tensor4D): Tensor2D => {
    const flat = reshape(mul(sub(images, 0.5), 4), [-1, 64]);
    return matMul(softplus(matMul(flat, parameters[0] as never)), parameters[1] as never);
  };
  const { images, labels } = batchOf(templateExamples(96, 1));
  const indices = Int32Array.from({ length: 96 }, (_, i) => i);
  const threat = linfBall(epsilon);
  const ascent = projectedAscent({
    optimizer: sign(),
    stepSize: epsilon / 4,
    steps: 10,
    keep: 'last',
  });
  const descent = train.adam(0.01);
  for (let step = 0; step < 60; step++) {
    tidy(() => {
      const problem = {
        images,
        labels,
        indices,
        threat,
        logits,
        random: randomSource(2).fork('step', step).forExamples(indices),
      };
      const { perturbation } = ascent.maximize(problem, lossObjective());
      const at = add(images, perturbation) as Tensor4D;
      descent.minimize(() => mean(crossEntropy(logits(at), labels)) as Scalar, false, [
        ...parameters,
      ]);
    });
  }
  images.dispose();
  labels.dispose();
  return logits;
}
