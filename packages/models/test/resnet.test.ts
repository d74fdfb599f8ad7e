import { inputGradient } from '@llr/engine';
import {
  dispose,
  memory,
  mul,
  norm,
  randomUniform,
  square,
  sub,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type ResNetDepth, resNet } from '../src/index.ts';
import { withoutInitialWeights } from '../src/network-builder.ts';

const values = (tensor: Tensor) => Array.from(tensor.dataSync());
const relative = (found: Tensor, expected: Tensor) =>
  norm(sub(found, expected)).dataSync()[0]! / norm(expected).dataSync()[0]!;

const small = { depth: 18, numClasses: 5, inputShape: [16, 16, 3] } as const;
const imagesOf = (shape: readonly [number, number, number], count = 2) =>
  randomUniform([count, ...shape], 0, 1, 'float32', 7) as Tensor4D;

describe('the architecture', () => {
  // torchvision's documentation: num_params, and billions of multiply-adds at 224x224.
  it.each([
    [18, 11_689_512, 1.814],
    [34, 21_797_672, 3.664],
    [50, 25_557_032, 4.089],
    [101, 44_549_160, 7.801],
    [152, 60_192_808, 11.514],
  ] as const)('ResNet-%i has the published parameters and multiply-adds', (depth, count, giga) => {
    const made = withoutInitialWeights(() => resNet({ depth, numClasses: 1000 }));
    expect(made.parameters.reduce((sum, { variable }) => sum + variable.size, 0)).toBe(count);
    const { parameters, multiplyAdds } = made.summary();
    expect(parameters).toBe(count);
    expect(multiplyAdds / 1e9).toBeCloseTo(giga, 3);
    made.dispose();
  });

  it.each([
    ['imagenet', [33, 48, 3], 2],
    ['imagenet', [32, 32, 1], 1],
    ['cifar', [9, 12, 3], 2],
  ] as const)('with the %s stem takes images of %j', (stem, inputShape, rows) => {
    const made = withoutInitialWeights(() => resNet({ ...small, stem, inputShape }));
    tidy(() => {
      expect(made.forward(imagesOf(inputShape), 'batch').logits.shape).toEqual([2, 5]);
    });
    const last = made.summary().layers.at(-2)!;
    expect(last.outputShape.slice(0, 2)).toEqual([rows, 2 - Number(inputShape[2] === 1)]);
    made.dispose();
  });

  it('has the stride of a bottleneck in its 3x3 convolution', () => {
    const made = withoutInitialWeights(() => resNet({ depth: 50, numClasses: 10 }));
    const kinds = new Map(made.summary().layers.map(({ name, kind }) => [name, kind]));
    expect(kinds.get('stage-2/block-1/conv-1')).toBe('convolution 1x1');
    expect(kinds.get('stage-2/block-1/conv-2')).toBe('convolution 3x3/2');
    expect(kinds.get('stage-2/block-1/projection/conv')).toBe('convolution 1x1/2');
    expect(kinds.get('stage-1/block-1/projection/conv')).toBe('convolution 1x1');
    made.dispose();
  });

  it('decays weights, and neither biases nor batch norm', () => {
    const made = withoutInitialWeights(() => resNet(small));
    for (const { name, decay } of made.parameters) {
      expect(decay, name).toBe(/\/(filter|weights)$/.test(name));
    }
    made.dispose();
  });

  it('begins as its shortcuts with zeroLastGamma', () => {
    const made = withoutInitialWeights(() => resNet({ ...small, zeroLastGamma: true }));
    const scales = made.parameters.filter(({ name }) => name.endsWith('/scale'));
    for (const { name, variable } of scales) {
      const last = /block-\d\/norm-2/.test(name);
      expect(
        values(variable).every((scale) => scale === (last ? 0 : 1)),
        name,
      ).toBe(true);
    }
    made.dispose();
  });

  it('pads otherwise with "same"', () => {
    const symmetric = resNet(small);
    const same = resNet({ ...small, padding: 'same' });
    const images = imagesOf(small.inputShape);
    tidy(() => {
      const [a, b] = [symmetric, same].map((net) => net.forward(images, 'running').logits);
      expect(relative(a!, b!)).toBeGreaterThan(0.01);
    });
    for (const made of [symmetric, same, images]) made.dispose();
  });
});

describe('a network of depth 18', () => {
  it('frozen, is the same function to 1e-5, with the same gradients', () => {
    const made = resNet({ ...small, seed: 3 });
    const images = imagesOf(small.inputShape);
    const weights = randomUniform([2, 5], -1, 1, 'float32', 9);
    tidy(() => {
      const all = [...made.parameters, ...made.runningStatistics];
      for (const [i, { name, variable }] of all.entries()) {
        if (/filter|weights/.test(name)) continue;
        // The last scale of a block is small, so that eight blocks don't blow up.
        const most = /norm-2\/scale/.test(name) ? 0.4 : 1.5;
        variable.assign(randomUniform(variable.shape, 0.2, most, 'float32', i));
      }
      const recorded = made.forward(imagesOf(small.inputShape, 6), 'batch').recorded!;
      for (const use of ['running', recorded] as const) {
        const frozen = made.freeze(use);
        const plain = (x: Tensor4D) => made.forward(x, use).logits;
        expect(relative(frozen(images), plain(images))).toBeLessThan(1e-5);
        const gradient = (logits: typeof frozen) =>
          inputGradient<Tensor4D>((at) => ({ value: mul(square(logits(at)), weights) }), images)
            .gradient;
        expect(relative(gradient(frozen), gradient(plain))).toBeLessThan(1e-5);
      }
    });
    dispose([images, weights]);
    made.dispose();
  });

  it('leaves no tensors behind', () => {
    const before = memory().numTensors;
    const made = resNet(small);
    const images = imagesOf(small.inputShape);
    const { logits, recorded } = made.forward(images, 'batch');
    made.updateRunning(recorded!);
    dispose([images, logits, recorded!]);
    made.dispose();
    expect(memory().numTensors).toBe(before);
  });
});

it.each([
  [{ depth: 20 }, 'There are residual networks of depth 18, 34, 50, 101, 152; got 20.'],
  [{ depth: 'toString' }, 'got toString'],
  [{ stem: 'vgg' }, 'stem must be one of imagenet, cifar; got "vgg"'],
  [{ padding: 'valid' }, 'padding must be one of symmetric, same'],
  [{ batchNormEpsilon: 0 }, 'batchNormEpsilon must be a positive number; got 0.'],
  [{ zeroLastGamma: 1 }, 'zeroLastGamma must be true or false; got 1.'],
  [{ numClasses: 1 }, 'numClasses must be a whole number of 2 or more'],
  [{ inputShape: [224, 224] }, 'inputShape must be [height, width, channels]'],
])('refuses %j', (options, message) => {
  const before = memory().numTensors;
  expect(() => resNet({ ...small, ...(options as { depth: ResNetDepth }) })).toThrow(message);
  expect(memory().numTensors).toBe(before);
});
