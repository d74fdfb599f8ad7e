import { expect, it } from 'vitest';
import { createModel, normalization, smallConvNet, wideResNet } from '../src/index.ts';

it('counts what each layer costs for one image', () => {
  const model = smallConvNet({
    inputShape: [8, 12, 1],
    numClasses: 3,
    channels: [3, 4],
    hidden: 6,
  });
  // 2x2 filters on 4x6 and 2x3 places; then 24 x 6 and 6 x 3.
  const expected = [
    ['conv-1', [4, 6, 3], 4 * 4 * 3 + 3, 4 * 6 * 48],
    ['conv-2', [2, 3, 4], 4 * 12 * 4 + 4, 2 * 3 * 192],
    ['hidden', [6], 24 * 6 + 6, 144],
    ['logits', [3], 6 * 3 + 3, 18],
  ];
  const { layers, parameters, multiplyAdds } = model.summary();
  expect(
    layers.map(({ name, outputShape, parameters, multiplyAdds }) => [
      name,
      outputShape,
      parameters,
      multiplyAdds,
    ]),
  ).toEqual(expected);
  expect(parameters).toBe(51 + 196 + 150 + 21);
  expect(multiplyAdds).toBe(1152 + 1152 + 144 + 18);
  model.dispose();
});

it('is a table for people', () => {
  const model = wideResNet({ depth: 10, widthFactor: 1, numClasses: 10 });
  const lines = `${model.summary()}`.split('\n');
  expect(lines[0]).toMatch(/^layer +kind +output +parameters +multiply-adds$/);
  expect(lines[2]).toMatch(/^stem +convolution 3x3 +32 x 32 x 16 +432 +442,368$/);
  expect(lines.at(-1)).toMatch(/^wrn-10-1 +77,850 +[\d,]+$/);
  model.dispose();
});

it.each([
  ['wrn-16-2', { architecture: 'wide-resnet', depth: 16, widthFactor: 2 }],
  ['resnet-18', { architecture: 'resnet', depth: 18 }],
])('createModel knows %s by its name', (architecture, config) => {
  const model = createModel({ architecture, numClasses: 4, ...normalization.cifar10 });
  expect(model.name).toBe(architecture);
  expect(model.config).toMatchObject({
    ...config,
    numClasses: 4,
    mean: [125.3 / 255, 123 / 255, 113.9 / 255],
  });
  model.dispose();
});
