import type { RecordedStatistics } from '@llr/core';
import { gradientCheck, inputGradient } from '@llr/engine';
import {
  dispose,
  div,
  engine,
  memory,
  mul,
  norm,
  randomUniform,
  reshape,
  type Scalar,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { wideResNet } from '../src/index.ts';

const small = { depth: 10, widthFactor: 1, numClasses: 5, inputShape: [8, 8, 3] } as const;
const model = wideResNet(small);
const images = randomUniform([6, 8, 8, 3], 0, 1, 'float32', 7) as Tensor4D;
afterAll(() => {
  model.dispose();
  images.dispose();
});

const values = (tensor: Tensor) => Array.from(tensor.dataSync());
const countParameters = (options: Parameters<typeof wideResNet>[0]) => {
  const made = wideResNet(options);
  made.dispose();
  return made.parameters.reduce((sum, { variable }) => sum + variable.size, 0);
};

describe('the architecture', () => {
  // The counts of the same networks built of torch.nn.Conv2d, BatchNorm2d and Linear.
  it.each([
    [10, 1, 10, 77_850],
    [16, 4, 10, 2_748_890],
    [28, 10, 10, 36_479_194],
  ])(
    'WRN-%i-%i has the published number of parameters',
    (depth, widthFactor, numClasses, count) => {
      expect(countParameters({ depth, widthFactor, numClasses })).toBe(count);
    },
  );

  it('decays weights, and neither biases nor batch norm', () => {
    const decayed = model.parameters.filter(({ decay }) => decay).map(({ name }) => name);
    expect(decayed.every((name) => /\/(filter|weights)$/.test(name))).toBe(true);
    const others = model.parameters.filter(({ decay }) => !decay).map(({ name }) => name);
    expect(others.every((name) => /\/(scale|offset|bias)$/.test(name))).toBe(true);
  });

  it('begins with weights of variance 2 / fan-in, a function of the seed', () => {
    const wide = wideResNet({ depth: 10, widthFactor: 2, numClasses: 10, seed: 3 });
    const again = wideResNet({ depth: 10, widthFactor: 2, numClasses: 10, seed: 3 });
    const other = wideResNet({ depth: 10, widthFactor: 2, numClasses: 10, seed: 4 });
    const filter = (of: typeof wide) =>
      values(of.parameters.find(({ name }) => name === 'group-3/block-1/conv-2/filter')!.variable);
    const weights = filter(wide);
    const mean = weights.reduce((sum, w) => sum + w, 0) / weights.length;
    const variance = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
    expect(Math.abs(mean)).toBeLessThan(5e-4);
    expect(variance / (2 / (9 * 128))).toBeCloseTo(1, 1);
    expect(filter(again)).toEqual(weights);
    expect(filter(other)).not.toEqual(weights);
    for (const made of [wide, again, other]) made.dispose();
  });

  it.each([
    [[9, 7, 1], 'symmetric'],
    [[12, 10, 2], 'same'],
  ] as const)('takes images of %j with %s padding', (inputShape, padding) => {
    const odd = wideResNet({ ...small, inputShape, padding });
    tidy(() => {
      const logits = odd.forward(randomUniform([2, ...inputShape]) as Tensor4D, 'batch').logits;
      expect(logits.shape).toEqual([2, 5]);
    });
    odd.dispose();
  });

  it('pads strided convolutions otherwise with "same"', () => {
    const same = wideResNet({ ...small, padding: 'same' });
    tidy(() => {
      const [a, b] = [model, same].map((net) => values(net.forward(images, 'running').logits));
      expect(a).not.toEqual(b);
    });
    same.dispose();
  });

  it('normalises pixels inside', () => {
    const [mean, std] = [
      [0.5, 0.4, 0.3],
      [0.2, 0.3, 0.4],
    ];
    const normalizing = wideResNet({ ...small, mean, std });
    tidy(() => {
      const normalized = div(sub(images, tensor1d(mean)), tensor1d(std)) as Tensor4D;
      const [inside, outside] = [
        values(normalizing.forward(images, 'running').logits),
        values(model.forward(normalized, 'running').logits),
      ];
      for (const [i, value] of inside.entries()) expect(value).toBeCloseTo(outside[i]!, 3);
    });
    normalizing.dispose();
  });
});

describe('batch statistics', () => {
  it('give the same logits when given back', () => {
    tidy(() => {
      const { logits, recorded } = model.forward(images, 'batch');
      expect(values(model.forward(images, recorded!).logits)).toEqual(values(logits));
      const names = model.runningStatistics.map(({ name }) => name);
      const layers = Object.keys(recorded!);
      expect(names).toEqual(
        layers.flatMap((layer) => [`${layer}/running-mean`, `${layer}/running-variance`]),
      );
    });
  });

  it('couple the examples of a batch; running and recorded ones do not', () => {
    tidy(() => {
      const { recorded } = model.forward(images, 'batch');
      const first = slice(images, [0, 0, 0, 0], [2, -1, -1, -1]);
      const alone = (use: Parameters<typeof model.forward>[1]) => {
        const among = values(slice(model.forward(images, use).logits, [0, 0], [2, -1]));
        const by = values(model.forward(first, use).logits);
        return Math.max(...by.map((value, i) => Math.abs(value - among[i]!)));
      };
      expect(alone('running')).toBeLessThan(1e-4);
      expect(alone(recorded!)).toBeLessThan(1e-4);
      expect(alone('batch')).toBeGreaterThan(1e-2);
    });
  });

  it('move the running averages by a tenth, in place', () => {
    const trained = wideResNet(small);
    tidy(() => {
      const { recorded } = trained.forward(images, 'batch');
      trained.updateRunning(recorded!);
      trained.updateRunning(recorded!);
      for (const [layer, { mean, variance }] of Object.entries(recorded!)) {
        const running = (part: string) =>
          trained.runningStatistics.find(({ name }) => name === `${layer}/running-${part}`)!;
        const [means, variances] = [values(mean), values(variance)];
        for (const [i, found] of values(running('mean').variable).entries()) {
          expect(found).toBeCloseTo(0.19 * means[i]!, 5);
        }
        for (const [i, found] of values(running('variance').variable).entries()) {
          expect(found).toBeCloseTo(0.81 + 0.19 * variances[i]!, 4);
        }
      }
    });
    trained.dispose();
  });

  it('are refused when they come from another network', () => {
    const wider = wideResNet({ ...small, widthFactor: 2 });
    tidy(() => {
      const { recorded } = wider.forward(images, 'batch');
      expect(() => model.forward(images, recorded!)).toThrow(
        'group-1/block-1/norm-2 have 32 and 32 channels, not 16',
      );
      expect(() => model.updateRunning({})).toThrow('no layer group-1/block-1/norm-1');
    });
    wider.dispose();
  });
});

describe('derivatives', () => {
  it.each([
    ['at recorded statistics', 'recorded'],
    ['through the statistics of their batch', 'batch'],
  ])('are right to second order %s', (_, kind) => {
    tidy(() => {
      const { recorded } = model.forward(images, 'batch');
      const use = kind === 'batch' ? kind : recorded!;
      const logits = (at: Tensor) => model.forward(at as Tensor4D, use).logits;
      const errors = gradientCheck(logits, images, { step: 3e-3 });
      expect(errors.first).toBeLessThan(2e-3);
      expect(errors.second).toBeLessThan(2e-3);
    });
  });
});

describe('freeze', () => {
  const relative = (found: Tensor, expected: Tensor) =>
    norm(sub(found, expected)).dataSync()[0]! / norm(expected).dataSync()[0]!;
  const direction = randomUniform([6, 8, 8, 3], -1, 1, 'float32', 8) as Tensor4D;
  const weights = randomUniform([6, 5], -1, 1, 'float32', 9);
  afterAll(() => dispose([direction, weights]));

  /** Statistics that are far from 0 and 1, and scales and offsets too, so that each counts. */
  const unevenNetwork = () => {
    const made = wideResNet({ ...small, seed: 6 });
    tidy(() => {
      const all = [...made.parameters, ...made.runningStatistics];
      for (const [i, { name, variable }] of all.entries()) {
        if (/filter|weights/.test(name)) continue;
        variable.assign(randomUniform(variable.shape, 0.3, 1.7, 'float32', i));
      }
    });
    return made;
  };

  it.each(['running', 'recorded'] as const)(
    'folds batch norm into convolutions: the same logits, gradients and second derivatives at %s statistics',
    (kind) => {
      const network = unevenNetwork();
      tidy(() => {
        const statistics =
          kind === 'running' ? kind : network.forward(direction, 'batch').recorded!;
        const frozen = network.freeze(statistics);
        const plain = (x: Tensor4D) => network.forward(x, statistics).logits;
        expect(relative(frozen(images), plain(images))).toBeLessThan(1e-5);
        const derivatives = [frozen, plain].map((logits) => {
          const first = (x: Tensor4D) =>
            inputGradient<Tensor4D>((at) => ({ value: mul(square(logits(at)), weights) }), x)
              .gradient;
          const second = inputGradient<Tensor4D>(
            (at) => ({ value: mul(first(at), direction) }),
            images,
          ).gradient;
          return [first(images), second];
        });
        const [[first, second], [plainFirst, plainSecond]] = derivatives as [
          [Tensor, Tensor],
          [Tensor, Tensor],
        ];
        expect(relative(first, plainFirst)).toBeLessThan(1e-5);
        expect(relative(second, plainSecond)).toBeLessThan(1e-5);
      });
      network.dispose();
    },
  );

  it('has the same gradients in the parameters, through recorded statistics too', () => {
    const network = unevenNetwork();
    const variables = network.parameters.map(({ variable }) => variable);
    const gradients = (logits: (use: RecordedStatistics) => Tensor) =>
      variableGrads(() => {
        const { recorded } = network.forward(direction, 'batch');
        return sum(mul(square(logits(recorded!)), weights)) as Scalar;
      }, variables).grads;
    tidy(() => {
      const frozen = gradients((use) => network.freeze(use)(images));
      const plain = gradients((use) => network.forward(images, use).logits);
      for (const { name } of variables) {
        expect(relative(frozen[name]!, plain[name]!), name).toBeLessThan(1e-4);
      }
    });
    network.dispose();
  });

  it('follows the parameters', () => {
    const made = wideResNet(small);
    const frozen = made.freeze('running');
    tidy(() => {
      frozen(images);
      for (const { variable } of made.parameters) variable.assign(mul(variable, 1.1));
      expect(relative(frozen(images), made.forward(images, 'running').logits)).toBeLessThan(1e-5);
    });
    made.dispose();
  });

  it('does without the multiplications of the batch norms it folds', () => {
    const multiplications = (run: () => Tensor) => {
      const kernels = engine() as unknown as {
        runKernel(name: string, inputs: { a: Tensor }, ...rest: unknown[]): unknown;
      };
      const { runKernel } = kernels;
      let images = 0;
      kernels.runKernel = (name, inputs, ...rest) => {
        if (name === 'Multiply' && inputs.a.rank === 4 && inputs.a.shape[0] === 6) images += 1;
        return runKernel.call(kernels, name, inputs, ...rest);
      };
      try {
        tidy(run);
        return images;
      } finally {
        kernels.runKernel = runKernel;
      }
    };
    const plain = multiplications(() => model.forward(images, 'running').logits);
    const frozen = multiplications(() => model.freeze('running')(images));
    // The second batch norm of each of the three blocks.
    expect(plain - frozen).toBe(3);
  });
});

describe('use', () => {
  it('leaves no tensors behind', () => {
    const before = memory().numTensors;
    const made = wideResNet({ ...small, mean: [0, 0, 0], std: [1, 1, 1] });
    const { logits, recorded } = made.forward(images, 'batch');
    made.updateRunning(recorded!);
    dispose([logits, made.freeze(recorded!)(images), made.freeze('running')(images)]);
    for (const statistics of Object.values(recorded!)) dispose(Object.values(statistics));
    made.dispose();
    made.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('refuses images of another shape', () => {
    const channelsFirst = tidy(() => reshape(images, [6, 3, 8, 8]) as Tensor4D);
    expect(() => model.forward(channelsFirst, 'running')).toThrow(
      'wrn-10-1 takes images [b, 8, 8, 3]; got [6, 3, 8, 8]',
    );
    channelsFirst.dispose();
  });

  it.each([
    [{ depth: 12 }, '6n + 4 (10, 16, 22, 28, 34, 40, …); got 12'],
    [{ depth: 4 }, 'got 4'],
    [{ widthFactor: 1.5 }, 'widthFactor must be a whole number of 1 or more; got 1.5'],
    [{ numClasses: 1 }, 'numClasses must be a whole number of 2 or more'],
    [
      { activation: 'sine' },
      'activation must be one of softplus, relu, elu, silu, gelu, tanh; got "sine"',
    ],
    [{ padding: 'valid' }, 'padding must be one of symmetric, same'],
    [{ inputShape: [32, 32] }, 'inputShape must be [height, width, channels]; got [32,32]'],
    [{ inputShape: [32, 0, 3] }, 'width must be a whole number'],
    [{ mean: [0.5] }, 'mean must be 3 numbers, one per channel; got [0.5]'],
    [{ std: [0.2, 0, 0.2] }, 'std must be 3 positive numbers'],
    [{ seed: 0.5 }, 'seed is a whole number'],
  ])('refuses %j', (options, message) => {
    const before = memory().numTensors;
    expect(() => wideResNet({ ...small, ...options } as never)).toThrow(message);
    expect(memory().numTensors).toBe(before);
  });
});
