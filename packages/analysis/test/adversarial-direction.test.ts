import { l2Ball, linfBall, projectedAscent } from '@llr/core';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adversarialDirection } from '../src/index.ts';
import { affineClassifier, wave } from './affine-classifier.ts';

const w = wave(9, 4, 3);
// Two classes: the loss of class 0 is softplus(wᵀx + b), and rises along w.
const classifier = affineClassifier(
  [3, 3, 1],
  w.map((weight) => [0, weight]),
  [0, 0.4],
);
const image = wave(9, 1, 0.2).map((x) => x + 0.5);

describe('adversarialDirection', () => {
  it('is the corner of the ball, where the loss grows with a known vector', async () => {
    const at = { classifier, image, label: 0, threat: linfBall(0.1), seed: 0 };
    const before = memory().numTensors;
    const up = await adversarialDirection(at);
    expect([...up]).toEqual(w.map((weight) => expect.closeTo(0.1 * Math.sign(weight), 6)));
    // wᵀx + b is above 0: the image is misclassified already, and is attacked all the same.
    expect(image.reduce((sum, x, i) => sum + x * w[i]!, 0.4)).toBeGreaterThan(0);
    const down = await adversarialDirection({ ...at, label: 1 });
    expect([...down]).toEqual(w.map((weight) => expect.closeTo(-0.1 * Math.sign(weight), 6)));
    expect(memory().numTensors).toBe(before);
  });

  it('stays in the threat model, and depends on the image, its number and the seed alone', async () => {
    const maximizer = projectedAscent({ stepSize: 0.001, steps: 2, keep: 'best' });
    const at = { classifier, image, label: 0, threat: l2Ball(0.2), maximizer, seed: 1, index: 7 };
    const found = await adversarialDirection(at);
    expect(Math.hypot(...found)).toBeLessThan(0.2001);
    expect(await adversarialDirection(at)).toEqual(found);
    expect(await adversarialDirection({ ...at, index: 8 })).not.toEqual(found);
    expect(await adversarialDirection({ ...at, seed: 2 })).not.toEqual(found);
  });

  it.each([
    ['another image size', { image: [0, 1] }, /9 numbers, but the image has 2/],
    ['a class that is none', { label: 2 }, /classes 0 to 1/],
  ])('refuses %s', async (_, wrong, message) => {
    const right = { classifier, image, label: 0, threat: linfBall(0.1), seed: 0 };
    await expect(adversarialDirection({ ...right, ...wrong })).rejects.toThrow(message);
  });
});
