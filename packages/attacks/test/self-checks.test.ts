import { l2Ball, linfBall, randomSource, type ThreatModel } from '@llr/core';
import {
  add,
  argMax,
  cast,
  clone,
  conv2d,
  customGrad,
  div,
  floor,
  grad,
  logSoftmax,
  matMul,
  mean,
  memory,
  moments,
  mul,
  neg,
  oneHot,
  range,
  reshape,
  sin,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { compileAscents } from '../src/compiled-ascent.ts';
import { judgeSteps } from '../src/self-checks/more-steps.ts';
import { checkClassifier, type Warning } from '../src/self-checks.ts';
import { examplesFor, linear, mlp, numbers, type Shape } from './helpers.ts';

const shape: Shape = [8, 8, 1];
const pixels = 64;
const count = 24;
const classes = 4;

type Logits = (images: Tensor4D) => Tensor2D;

const line = linear(5, shape, classes);
const curve = mlp(6, shape, 16, classes);
const lineLogits: Logits = line.classifier.freeze('running');
// Its logits are of a size that training gives: 30 apart, cross-entropy is flat.
const curveLogits: Logits = (images) => mul(curve.classifier.freeze('running')(images), 0.2);

/** Two convolutions and a sum, as larger networks are. */
const filters = [
  variable(tidy(() => mul(seeded(1, [3, 3, 1, 6]), 1.5))),
  variable(tidy(() => mul(seeded(2, [3, 3, 6, 8]), 0.8))),
  variable(seeded(3, [4 * 8, classes])),
] as const;
const convLogits: Logits = (images) => {
  const first = softplus(conv2d(sub(images, 0.5), filters[0] as never, 2, 'same'));
  const second = softplus(conv2d(first as Tensor4D, filters[1] as never, 2, 'same'));
  return matMul(reshape(second, [-1, 4 * 8]), filters[2] as never);
};
afterAll(() => {
  line.dispose();
  curve.dispose();
  for (const filter of filters) filter.dispose();
});

function seeded(seed: number, dimensions: number[]): Tensor {
  const size = dimensions.reduce((product, n) => product * n, 1);
  return tidy(() => reshape(tensor1d(numbers(seed, size, -1, 1)), dimensions));
}

interface Setup {
  threat?: ThreatModel;
  /** `[count · pixels]`; uniform noise unless given. */
  images?: Float32Array;
  /** Labels; those that the network gives unless given. */
  labels?: readonly number[];
  indices?: readonly number[];
}

async function warningsFor(logits: Logits, setup: Setup = {}): Promise<Warning[]> {
  const values = setup.images ?? numbers(11, count * pixels);
  const rows = values.length / pixels;
  const images = tensor4d(values, [rows, ...shape]);
  const clean = tidy(() => logits(images));
  const predicted = (clean.arraySync() as number[][]).map((row) => row.indexOf(Math.max(...row)));
  clean.dispose();
  const labels = tensor1d([...(setup.labels ?? predicted)], 'int32');
  const threat = setup.threat ?? linfBall(0.03);
  const indices = Int32Array.from(setup.indices ?? predicted.keys());
  const before = memory().numTensors;
  const warnings = await checkClassifier({
    images,
    labels,
    indices,
    logits,
    threat,
    random: randomSource(3),
  });
  expect(memory().numTensors).toBe(before);
  for (const tensor of [images, labels, threat.radius]) tensor.dispose();
  return warnings;
}

const checksFor = async (logits: Logits, setup?: Setup): Promise<string[]> =>
  (await warningsFor(logits, setup)).map(({ check }) => check);

const lift =
  (f: (logits: Tensor2D) => Tensor): Logits =>
  (images) =>
    f(lineLogits(images)) as Tensor2D;

describe('an honest network', () => {
  const perExample = numbers(4, count, 0.01, 0.05);
  test.each([
    ['linear, ℓ∞', lineLogits, linfBall(0.03)],
    ['linear, ℓ2', lineLogits, l2Ball(0.3)],
    ['smooth, ℓ∞', curveLogits, linfBall(0.03)],
    ['smooth, a larger ε', curveLogits, linfBall(0.1)],
    ['smooth, ℓ2', curveLogits, l2Ball(0.3)],
    ['smooth, ε per example', curveLogits, linfBall([...perExample])],
    ['convolutional, ℓ∞', convLogits, linfBall(0.03)],
    ['convolutional, ℓ2', convLogits, l2Ball(0.3)],
    ['log-softmax', lift(logSoftmax), linfBall(0.03)],
  ])('is not warned of: %s', async (_, logits, threat) => {
    expect(await warningsFor(logits, { threat })).toEqual([]);
  });

  test('nor when some of it is misclassified, when the batch is padded, large, or a single image', async () => {
    const labels = examplesFor(curve.classifier, 11, count).map(({ label }) => label);
    const images = numbers(11, count * pixels);
    expect(await warningsFor(curveLogits, { images, labels })).toEqual([]);
    expect(await warningsFor(curveLogits, { images: numbers(11, 40 * pixels) })).toEqual([]);
    const one = images.slice(0, pixels);
    expect(await warningsFor(curveLogits, { images: one })).toEqual([]);
    const padded = new Float32Array([...one, ...one, ...one]);
    expect(await warningsFor(curveLogits, { images: padded, indices: [7, 7, 7] })).toEqual([]);
    const still = await warningsFor(curveLogits, { threat: linfBall(0) });
    expect(still).toEqual([]);
  });

  test('is checked by compiled ascents too, with no graph left behind', async () => {
    const logits: Logits = (images) => curveLogits(images);
    const notes: string[] = [];
    const release = compileAscents(logits, ({ message }) => notes.push(message));
    expect(await warningsFor(logits)).toEqual([]);
    expect(notes).toEqual([]);
    release();
  });
});

describe('gradients', () => {
  test('that vanish in cross-entropy only', async () => {
    const [warning, ...others] = await warningsFor(lift((logits) => mul(logits, 1e4)));
    expect(others).toEqual([]);
    expect(warning!.check).toBe('saturated-cross-entropy');
    expect(warning!.message).toMatch(/at \d+ of 24 correctly classified/);
    expect(warning!.message).toContain('stand still');
    expect(warning!.message).toContain('untargeted');
  });

  test('that are too small for Adam, yet not 0', async () => {
    const [warning, ...others] = await warningsFor(lift((logits) => mul(logits, 25)));
    expect(others).toEqual([]);
    expect(warning!.check).toBe('saturated-cross-entropy');
    expect(warning!.message).toContain('with Adam hardly move');
  });

  test('that are 0 behind quantised inputs, as far as it is right', async () => {
    const quantised: Logits = (images) => lineLogits(div(floor(mul(images, 8)), 8) as Tensor4D);
    const [warning, ...others] = await warningsFor(quantised);
    expect(others).toEqual([]);
    expect(warning!.check).toBe('zero-gradients');
    expect(warning!.message).toContain('exactly 0 at 24 of 24 correctly classified');
  });

  test('that are 0 at some examples only', async () => {
    // The first pixel decides whether the rest is seen in 8 levels or as it is.
    const images = numbers(11, count * pixels);
    const sometimes: Logits = (x) => {
      const coarse = sub(1, floor(add(mul(slice(x, 0, [-1, 1, 1, 1]), 0.999), 0.5)));
      const levels = div(floor(mul(x, 8)), 8);
      return lineLogits(add(mul(coarse, levels), mul(sub(1, coarse), x)) as Tensor4D);
    };
    const fine = Array.from({ length: count }, (_, row) => images[row * pixels]!);
    const coarse = fine.filter((pixel) => pixel < 0.5).length;
    expect(coarse).toBeGreaterThan(2);
    const found = await warningsFor(sometimes);
    const zero = found.find(({ check }) => check === 'zero-gradients');
    expect(zero!.message).toContain(`${coarse} of 24 correctly classified`);
  });

  test('that are NaN', async () => {
    // √0 has no derivative: black pixels.
    const images = numbers(11, count * pixels);
    images.fill(0, 5 * pixels, 5 * pixels + 3);
    const [warning, ...others] = await warningsFor((x) => lineLogits(sqrt(square(sqrt(x)))), {
      images,
    });
    expect(others).toEqual([]);
    expect(warning!.check).toBe('nan-gradients');
    expect(warning!.message).toContain('at 1 of 24 examples (the first is example 5)');
  });

  test('that are missing', async () => {
    const hard = lift((logits) => cast(oneHot(argMax(logits, 1) as never, classes), 'float32'));
    const [warning] = (await warningsFor(hard)).filter(({ check }) => check !== 'softmax-outputs');
    expect(['no-gradients', 'zero-gradients']).toContain(warning!.check);
  });
});

describe('outputs', () => {
  test.each([
    ['softmax', (logits: Tensor2D) => softmax(logits)],
    ['a sure softmax', (logits: Tensor2D) => softmax(mul(logits, 10))],
  ])('that are probabilities: %s', async (_, of) => {
    expect(await checksFor(lift(of))).toContain('softmax-outputs');
  });

  test('that add up to 1 with one below 0 are none', async () => {
    const centred = lift((logits) => add(sub(logits, mean(logits, 1, true)), 1 / classes));
    expect(await checksFor(centred)).toEqual([]);
  });
});

describe('a network that is not a function of the image', () => {
  test('for noise', async () => {
    const noisy: Logits = (x) => {
      const noise = Array.from({ length: x.shape[0] * classes }, () => Math.random() - 0.5);
      return add(lineLogits(x), mul(reshape(tensor1d(noise), [-1, classes]), 0.5));
    };
    const warnings = await warningsFor(noisy);
    expect(warnings.map(({ check }) => check)).toEqual(['randomized']);
    expect(warnings[0]!.message).toMatch(/differ by up to [\d.]+ %/);
  });

  test('for its neighbours: normalised by the moments of the batch', async () => {
    const normalised: Logits = (x) => {
      const { mean: centre, variance } = moments(x, [0, 1, 2], true);
      return lineLogits(div(sub(x, centre), sqrt(add(variance, 1e-5))) as Tensor4D);
    };
    for (const images of [undefined, numbers(11, pixels), numbers(11, 2 * pixels)]) {
      const found = await checksFor(normalised, images && { images });
      expect(found).toContain('batch-dependent');
    }
  });

  test('for its neighbours: a sum over the batch that leaks a little', async () => {
    const leaking: Logits = (x) => add(lineLogits(x), mul(mean(x), tensor1d([0.01, 0, 0, 0])));
    const images = numbers(11, count * pixels, 0, 0.8);
    expect(await checksFor(leaking, { images })).toEqual(['batch-dependent']);
  });

  test('for its place in the batch', async () => {
    const placed: Logits = (x) =>
      add(lineLogits(x), mul(reshape(range(0, x.shape[0]), [-1, 1]), tensor1d([0.01, 0, 0, 0])));
    expect(await checksFor(placed)).toEqual(['batch-dependent']);
  });

  test('for what it optimises while it predicts', async () => {
    const purifying: Logits = (x) => {
      const rough = grad((at: Tensor) => sum(square(sub(at, 0.5))));
      return lineLogits(sub(x, mul(rough(x), 0.05)) as Tensor4D);
    };
    const found = await warningsFor(purifying);
    expect(found.map(({ check }) => check)).toContain('gradients-at-inference');
    expect(found[0]!.message).toContain('1 in one pass');
    // And tfjs is left as it was.
    expect(await warningsFor(lineLogits)).toEqual([]);
  });
});

describe('the radius', () => {
  test.each([
    ['ℓ∞ above grey', linfBall(0.6), ['epsilon-too-large', 'overlapping-classes']],
    ['ℓ∞ at grey', linfBall(0.5), ['overlapping-classes']],
    ['ℓ2 in grey levels', l2Ball(8), ['epsilon-too-large', 'overlapping-classes']],
    ['ℓ2 that reaches another class', l2Ball(2), ['overlapping-classes']],
    ['ℓ∞ over 255 twice', linfBall(8 / 255 / 255), ['epsilon-too-small']],
    ['ℓ∞ just below half a grey level', linfBall(0.99 / 510), ['epsilon-too-small']],
    ['ℓ∞ at half a grey level', linfBall(1 / 510), []],
    ['ℓ2 over 255', l2Ball(0.5 / 255 / 2), ['epsilon-too-small']],
  ])('%s', async (_, threat, expected) => {
    expect(await checksFor(lineLogits, { threat })).toEqual(expected);
  });

  test('of each example is its own, for those of the sample', async () => {
    const images = numbers(11, 40 * pixels);
    const smallAt = (row: number) =>
      Array.from({ length: 40 }, (_, i) => (i === row ? 1 / 1000 : 0.03));
    const at = (row: number) => checksFor(curveLogits, { images, threat: linfBall(smallAt(row)) });
    expect(await at(31)).toEqual(['epsilon-too-small']);
    expect(await at(32)).toEqual([]);
    // A copy of a ball can't be made again for some of the batch: all of it is looked at.
    const threat = { ...linfBall(smallAt(39)) };
    expect('withRadius' in threat).toBe(false);
    expect(await checksFor(curveLogits, { images, threat })).toEqual(['epsilon-too-small']);
  });

  test('is not judged in norms that are not known', async () => {
    const patch = { ...linfBall(0.6), name: 'patch' };
    expect(await checksFor(lineLogits, { threat: patch })).toEqual([]);
  });

  test('two images of different classes meet within ε1 + ε2, by name', async () => {
    const images = numbers(11, 6 * pixels);
    // Example 14 is example 11, but for a pixel.
    images.copyWithin(4 * pixels, pixels, 2 * pixels);
    images[4 * pixels + 9] =
      images[pixels + 9]! > 0.5 ? images[pixels + 9]! - 0.2 : images[pixels + 9]! + 0.2;
    const setup = { images, labels: [0, 1, 2, 3, 2, 1], indices: [10, 11, 12, 13, 14, 15] };
    const at = (...radii: number[]) =>
      warningsFor(lineLogits, { ...setup, threat: linfBall(radii) }).then((found) =>
        found.filter(({ check }) => check === 'overlapping-classes'),
      );
    expect(await at(0.09)).toEqual([]);
    const [met] = await at(0.11);
    expect(met!.message).toContain('Examples 11 (class 1) and 14 (class 2) are 0.2 apart');
    expect(await at(0.01, 0.15, 0.01, 0.01, 0.02, 0.01)).toEqual([]);
    expect(await at(0.01, 0.15, 0.01, 0.01, 0.06, 0.01)).toHaveLength(1);
    const sameLabel = { ...setup, labels: [0, 1, 2, 3, 1, 1] };
    expect(await checksFor(lineLogits, { ...sameLabel, threat: linfBall(0.11) })).not.toContain(
      'overlapping-classes',
    );
  });
});

describe('images', () => {
  const noise = numbers(11, count * pixels);

  test('divided by 255 twice', async () => {
    const scaled = noise.map((pixel) => pixel / 255);
    const [range] = await warningsFor(lineLogits, { images: scaled, labels: Array(count).fill(1) });
    expect(range!.check).toBe('image-range');
    expect(range!.message).toContain('divided by 255 twice');
  });

  test('in a corner of the box', async () => {
    const grey = noise.map((pixel) => 0.5 + pixel * 0.05);
    const [range] = await warningsFor(lineLogits, { images: grey, labels: Array(count).fill(1) });
    expect(range!.message).toMatch(/between 0\.5 and 0\.55/);
  });

  test('of a single colour, under two labels', async () => {
    const images = noise.slice();
    images.fill(0, 3 * pixels, 4 * pixels);
    images.fill(0, 8 * pixels, 9 * pixels);
    const labels = Array.from(noise.keys())
      .slice(0, count)
      .map((row) => row % classes);
    const found = await warningsFor(lineLogits, { images, labels });
    expect(found.map(({ check }) => check)).toEqual(['blank-images', 'overlapping-classes']);
    expect(found[0]!.message).toContain(
      '2 of 24 images are of a single colour (the first is example 3)',
    );
    expect(found[1]!.message).toContain('Examples 3 (class 3) and 8 (class 0) are the same image');
  });
});

describe('steps', () => {
  test('that follow shattered gradients lead nowhere', async () => {
    const shattered: Logits = (x) => {
      const ripple = sum(sin(mul(x, 4000)), [1, 2, 3]);
      return add(lineLogits(x), mul(reshape(ripple, [-1, 1]), tensor1d([1, -1, 0.5, -0.5])));
    };
    const found = await checksFor(shattered);
    expect(found).toContain('no-ascent');
  });

  test('against a gradient that is turned round', async () => {
    const turned = customGrad(((x: Tensor) => ({
      value: clone(x),
      gradFunc: (dy: Tensor) => neg(dy),
    })) as never);
    const found = await warningsFor((x) => lineLogits(turned(x) as Tensor4D));
    expect(found.map(({ check }) => check)).toEqual(['no-ascent']);
    expect(found[0]!.message).toContain('at 24 of 24 correctly classified');
  });

  const sure = Array.from({ length: 20 }, () => -1);
  const at = (value: number, broken: number) => sure.map((_, i) => (i < broken ? 1 : value));
  test.each([
    [
      'one breaks more',
      { one: at(-0.5, 6), few: at(-0.4, 2), many: at(-0.4, 2) },
      'one-step-beats-many',
    ],
    [
      'one gets further',
      { one: at(-0.1, 2), few: at(-0.4, 2), many: at(-0.4, 2) },
      'one-step-beats-many',
    ],
    [
      'fifty break fewer than ten',
      { one: at(-0.5, 1), few: at(-0.4, 6), many: at(-0.4, 2) },
      'more-steps-worse',
    ],
    ['all the same', { one: at(-0.4, 2), few: at(-0.4, 2), many: at(-0.4, 2) }, undefined],
    ['one example by luck', { one: at(-0.4, 3), few: at(-0.4, 3), many: at(-0.4, 2) }, undefined],
    ['more help', { one: at(-0.6, 2), few: at(-0.4, 5), many: at(-0.4, 9) }, undefined],
  ])('%s', (_, margins, expected) => {
    const [warning] = judgeSteps({ clean: sure, start: sure, ...margins });
    expect(warning?.check).toBe(expected);
  });

  test('a single one that beats fifty, in a network', async () => {
    // The ripple is level wherever pixels are grey levels: at the images, and a whole ε from them.
    const levels = numbers(11, count * pixels, 0.2, 0.8).map(
      (pixel) => Math.round(pixel * 255) / 255,
    );
    const signs = tensor4d(
      Array.from({ length: pixels }, (_, i) => (i % 2 ? 1 : -1)),
      [1, ...shape],
    );
    const rippled: Logits = (x) => {
      const phase = mul(add(mul(x, 255), 0.25), 2 * Math.PI);
      const ripple = sum(mul(sin(phase), signs), [1, 2, 3]);
      return add(lineLogits(x), mul(reshape(ripple, [-1, 1]), tensor1d([0.1, -0.1, 0.05, -0.05])));
    };
    const found = await checksFor(rippled, { images: levels, threat: linfBall(16 / 255) });
    expect(found).toEqual(['no-ascent', 'one-step-beats-many']);
    signs.dispose();
  });
});
