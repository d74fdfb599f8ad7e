import { gradientCheck } from '@llr/engine';
import {
  conv2d,
  memory,
  randomNormal,
  randomUniform,
  reshape,
  slice,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { smallConvNet } from '../src/index.ts';
import { spaceToDepth } from '../src/layers/space-to-depth.ts';

const options = { inputShape: [8, 12, 1], numClasses: 3, channels: [3, 4], hidden: 6 } as const;
const model = smallConvNet({ ...options, mean: [0.3], std: [0.4] });
const images = randomUniform([5, 8, 12, 1], 0, 1, 'float32', 5) as Tensor4D;
afterAll(() => {
  model.dispose();
  images.dispose();
});

const values = (tensor: Tensor) => Array.from(tensor.dataSync());

describe('smallConvNet', () => {
  it('has the parameters its options call for', () => {
    const shapes = model.parameters.map(({ name, variable }) => `${name} ${variable.shape}`);
    expect(shapes).toEqual([
      'conv-1/filter 2,2,4,3',
      'conv-1/bias 3',
      'conv-2/filter 2,2,12,4',
      'conv-2/bias 4',
      'hidden/weights 24,6',
      'hidden/bias 6',
      'logits/weights 6,3',
      'logits/bias 3',
    ]);
  });

  it('has 16 and 32 filters and 100 hidden units if nothing else is said', () => {
    const made = smallConvNet({ inputShape: [28, 28, 1], numClasses: 10 });
    made.dispose();
    const count = made.parameters.reduce((sum, { variable }) => sum + variable.size, 0);
    expect(count).toBe(4 * 4 * 16 + 16 + 4 * 64 * 32 + 32 + 1568 * 100 + 100 + 1000 + 10);
  });

  it('gives logits, each from its own image alone', () => {
    tidy(() => {
      const { logits, recorded } = model.forward(images, 'running');
      expect(logits.shape).toEqual([5, 3]);
      expect(recorded).toBeUndefined();
      const alone = values(model.freeze('running')(slice(images, [2, 0, 0, 0], [1, -1, -1, -1])));
      const among = values(slice(logits, [2, 0], [1, -1]));
      for (const [i, value] of alone.entries()) expect(value).toBeCloseTo(among[i]!, 5);
    });
  });

  it('is differentiable to second order', () => {
    const logits = (at: Tensor) => model.forward(at as Tensor4D, 'running').logits;
    const errors = gradientCheck(logits, images);
    expect(errors.first).toBeLessThan(1e-2);
    expect(errors.second).toBeLessThan(1e-2);
  });

  it('knows running statistics only', () => {
    expect(model.statistics).toBe('running');
    expect(() => model.forward(images, 'batch')).toThrow("forward it with 'running' statistics");
    expect(() => model.updateRunning({})).toThrow('no batch norm to update');
  });

  it('leaves no tensors behind', () => {
    const before = memory().numTensors;
    const made = smallConvNet({ ...options, activation: 'relu', std: [0.5] });
    made.forward(images, 'running').logits.dispose();
    made.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it.each([
    [{ inputShape: [28, 30, 1] }, 'multiples of 4; inputShape is [28, 30, 1]'],
    [{ channels: [16] }, 'channels must be two numbers; got [16]'],
    [{ channels: [16, 0] }, 'channels must be a whole number of 1 or more; got 0'],
    [{ hidden: -1 }, 'hidden must be a whole number of 1 or more; got -1'],
    [{ activation: 'sine' }, 'activation must be one of softplus, relu'],
  ])('refuses %j', (wrong, message) => {
    expect(() => smallConvNet({ ...options, ...wrong } as never)).toThrow(message);
  });
});

describe('spaceToDepth', () => {
  it('gathers squares in the order row, column, channel', () => {
    tidy(() => {
      const x = tensor([...Array(16).keys()], [1, 2, 4, 2]) as Tensor4D;
      const squares = spaceToDepth(x);
      expect(squares.shape).toEqual([1, 1, 2, 8]);
      expect(values(squares)).toEqual([0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15]);
    });
  });

  it('turns a 4x4 convolution with stride 2 into a 2x2 one with stride 1', () => {
    tidy(() => {
      const x = randomNormal([2, 8, 6, 3], 0, 1, 'float32', 1) as Tensor4D;
      const filter = randomNormal([4, 4, 3, 5], 0, 1, 'float32', 2) as Tensor4D;
      const strided = conv2d(x, filter, 2, 'valid');
      // The filter's own squares of pixels become channels too.
      const gathered = transpose(reshape(filter, [2, 2, 2, 2, 3, 5]), [0, 2, 1, 3, 4, 5]);
      const quick = conv2d(
        spaceToDepth(x),
        reshape(gathered, [2, 2, 12, 5]) as Tensor4D,
        1,
        'valid',
      );
      expect(quick.shape).toEqual(strided.shape);
      for (const [i, value] of values(quick).entries()) {
        expect(value).toBeCloseTo(values(strided)[i]!, 4);
      }
    });
  });
});
