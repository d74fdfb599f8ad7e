import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { panels } from '../src/index.ts';

const bytes = (uri: string) => {
  expect(uri).toMatch(/^data:image\/png;base64,/);
  return decode(Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64'));
};
const example = {
  index: 126,
  image: [0, 0.2, 0.5, 0.8, 1, 0.4],
  perturbation: [0.1, -0.1, 0, 0.05, -0.05, 0.1],
  label: 1,
  prediction: 1,
  adversarialPrediction: 0,
};
const input = {
  inputShape: [2, 3, 1] as const,
  classNames: ['cat', 'dog'],
  epsilon: 0.1,
  examples: [example],
};

describe('panels', () => {
  it('draws grey images: the image, the image + δ, and δ from −ε black to ε white', () => {
    const [panel] = panels(input);
    const png = bytes(panel!.images.original);
    expect([png.width, png.height, png.channels]).toEqual([3, 2, 1]);
    expect([...png.data]).toEqual([0, 51, 128, 204, 255, 102]);
    expect([...bytes(panel!.images.adversarial).data]).toEqual([26, 26, 128, 217, 242, 128]);
    expect([...bytes(panel!.images.perturbation).data]).toEqual([255, 0, 128, 191, 64, 255]);
    expect(panel).toMatchObject({
      index: 126,
      label: 'dog',
      prediction: 'dog',
      adversarialPrediction: 'cat',
      epsilon: 0.1,
    });
  });

  it('draws colour images', () => {
    const [panel] = panels({ ...input, inputShape: [1, 2, 3] });
    const png = bytes(panel!.images.original);
    expect([png.width, png.height, png.channels]).toEqual([2, 1, 3]);
    expect([...png.data]).toEqual([0, 51, 128, 204, 255, 102]);
  });

  it.each([
    ['a pixel outside the box', { image: [0, 0.2, 0.5, 0.8, 1.2, 0.4] }, /Image 126 has 1.2 at 4/],
    [
      'a perturbation beyond ε',
      { perturbation: [0.2, 0, 0, 0, 0, 0] },
      /perturbation of image 126 has 0.2/,
    ],
    [
      'an adversarial image outside the box',
      { perturbation: [-0.1, 0, 0, 0, 0, 0] },
      /adversarial image 126/,
    ],
    ['a pixel that is no number', { image: [Number.NaN, 0, 0, 0, 0, 0] }, /NaN/],
    ['too few pixels', { image: [0] }, /1 numbers; 2 × 3 × 1/],
    [
      'a class without a name',
      { adversarialPrediction: 2 },
      /class 2, but there are names for 0 to 1/,
    ],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => panels({ ...input, examples: [{ ...example, ...wrong }] })).toThrow(message);
  });

  it('refuses two channels, and ε = 0', () => {
    expect(() => panels({ ...input, inputShape: [1, 3, 2] })).toThrow(/1 or 3 channels/);
    expect(() => panels({ ...input, epsilon: 0 })).toThrow(/ε/);
  });
});
