import { statSync } from 'node:fs';
import {
  add,
  backend,
  cast,
  concat,
  conv2d,
  dispose,
  div,
  engine,
  fill,
  gather,
  keep,
  matMul,
  mean,
  memory,
  mul,
  randomUniform,
  relu,
  reshape,
  type Scalar,
  scalar,
  sigmoid,
  slice,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tidy,
  type Variable,
  variable,
  variableGrads,
  zeros,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  type CompiledInput,
  type CompiledSource,
  compile,
  inputGradient,
  iterate,
  NotCompilableError,
  program,
  withConvolutionPrecision,
} from '../src/index.ts';
import { hasBfloat16, startGraphs } from '../src/node/graphs.ts';
import { onTensorFlow } from './engines.ts';

const values = (tensor: Tensor) => Array.from(tensor.dataSync());

/** How many graphs TensorFlow holds. */
const sessions = () =>
  (backend() as unknown as { getNumOfSavedModels(): number }).getNumOfSavedModels();

onTensorFlow(() => {
  test('a function runs once for each signature, and then as a graph', () => {
    let runs = 0;
    const twice = compile((x: Tensor) => {
      runs += 1;
      return mul(x, 2);
    });
    for (let call = 0; call < 3; call++)
      expect(values(twice(tensor1d([1, call])))).toEqual([2, 2 * call]);
    expect(runs).toBe(1);
    expect(values(twice(tensor1d([1, 2, 3])))).toEqual([2, 4, 6]);
    expect(values(twice(tensor1d([1, 2], 'int32')))).toEqual([2, 4]);
    expect(runs).toBe(3);
    twice.dispose();
    expect(values(twice(tensor1d([5, 6])))).toEqual([10, 12]);
    expect(runs).toBe(4);
    twice.dispose();
  });

  test('constants are part of the signature; at most eight graphs are kept', () => {
    const before = sessions();
    let runs = 0;
    const power = compile(
      ({ x, steps }: { x: Tensor; steps: number }) => {
        runs += 1;
        return iterate(steps, { y: x }, ({ y }) => ({ y: mul(y, x) })).y;
      },
      { statics: ['steps'] },
    );
    for (let steps = 0; steps < 12; steps++) {
      expect(values(power({ x: tensor1d([2]), steps }))).toEqual([2 ** (steps + 1)]);
    }
    expect(runs).toBe(12);
    expect(sessions()).toBe(before + 8);
    power({ x: tensor1d([2]), steps: 11 });
    expect(runs).toBe(12);
    power.dispose();
    expect(sessions()).toBe(before);
  });

  test('another tensor from outside is refused, and described', () => {
    const outside = tensor2d([[1, 2]]);
    const shifted = compile((x: Tensor) => add(x, outside), { name: 'shifted' });
    expect(() => shifted(scalar(1))).toThrow(
      "shifted can't be compiled: it uses a float32 tensor of shape [1,2] from outside",
    );
    const read = compile((x: Tensor) => mul(x, outside.dataSync()[0]!));
    expect(() => read(scalar(1))).toThrow('reads the value of a tensor from outside');
    expect(values(outside)).toEqual([1, 2]);
  });

  test.each<[string, (x: Tensor1D) => Tensor, string]>([
    ['the value of a tensor', (x) => (x.dataSync()[0]! > 0 ? x : mul(x, 2)), 'reads the value'],
    ['random numbers', (x) => add(x, randomUniform([2])), 'draws random numbers'],
    ['a new variable', (x) => add(x, variable(zeros([2]))), 'makes a variable'],
    ['a number returned', (() => ({ x: 3 })) as never, 'other than a tensor (result.x: number)'],
  ])('%s is refused, in words', (_, fn, words) => {
    const tensors = memory().numTensors;
    const refused = compile(fn, { name: 'my step' });
    const x = tensor1d([1, 2]);
    const call = () => refused(x);
    expect(call).toThrow(NotCompilableError);
    expect(call).toThrow("my step can't be compiled");
    expect(call).toThrow(words);
    x.dispose();
    expect(memory().numTensors).toBe(tensors);
  });

  test('a shape may be computed of shapes with tensors, and read', () => {
    const flat = compile((x: Tensor) => {
      const batch = slice(tensor1d(x.shape, 'int32'), [0], [1]);
      const shape = concat([batch, tensor1d([-1], 'int32')]);
      // Once an op has used them, numbers are no longer in JavaScript alone.
      return mul(reshape(x, Array.from(shape.dataSync())), cast(sum(shape), 'float32'));
    });
    const before = memory().numTensors;
    for (const batch of [2, 3]) {
      const x = fill([batch, 2, 2], 1.5);
      const found = flat(x);
      expect(found.shape).toEqual([batch, 4]);
      expect(values(found)).toEqual(Array(batch * 4).fill(1.5 * (batch - 1)));
      dispose([x, found]);
    }
    expect(memory().numTensors).toBe(before);
    flat.dispose();
  });

  test('variables are fed as they are at each call, and take on what is assigned', () => {
    const total = variable(tensor1d([0, 0]));
    const factor = variable(scalar(2));
    const accumulate = compile((x: Tensor1D) => {
      total.assign(add(total, mul(x, factor)));
      return { sum: sum(total) };
    });
    const before = memory().numTensors;
    for (let call = 1; call <= 3; call++) {
      const x = tensor1d([1, 10]);
      const { sum: found } = accumulate(x);
      expect(values(found)).toEqual([22 * call]);
      dispose([x, found]);
    }
    expect(values(total)).toEqual([6, 60]);
    factor.assign(scalar(0));
    expect(values(accumulate(tensor1d([1, 1])).sum)).toEqual([66]);
    expect(memory().numTensors).toBe(before + 3);
    accumulate.dispose();
  });

  test('two variables that share their numbers stay two', () => {
    const start = tensor1d([1]);
    const a = variable(start);
    const b = variable(start);
    const step = compile(() => {
      a.assign(add(a, b));
      return mul(b, 1);
    });
    step();
    b.assign(tensor1d([10]));
    step();
    expect([values(a), values(b)]).toEqual([[12], [10]]);
    step.dispose();
  });

  test('the old value of a variable is used until it is assigned, the new one after', () => {
    const v = variable(tensor1d([1, 2]));
    const states = { resident: program({ state: [v], functions: { step } }).functions.step };
    function step(x: Tensor) {
      const before = mul(v, 1);
      v.assign(x as Tensor1D);
      const after = mul(v, 1);
      v.assign(zeros([2]));
      return { before, after, last: v.clone() };
    }
    for (const run of [compile(step), states.resident]) {
      v.assign(tensor1d([1, 2]));
      const { before, after, last } = run(tensor1d([3, 4]));
      expect([values(before), values(after), values(last)]).toEqual([
        [1, 2],
        [3, 4],
        [0, 0],
      ]);
    }
  });

  test('a source is drawn from anew in each call', () => {
    class Counter implements CompiledSource {
      count: number;
      constructor(count: number) {
        this.count = count;
      }
      next(): Tensor1D {
        return tensor1d([++this.count]);
      }
      whileCompiled(input: CompiledInput): this {
        const draw = (counter: Counter) => counter.next();
        return { next: () => input([1], 'float32', draw as never) } as unknown as this;
      }
    }
    const both = compile((x: Tensor, counter: Counter) => ({
      first: mul(x, counter.next()),
      second: mul(x, counter.next()),
    }));
    const counter = new Counter(0);
    const x = tensor1d([10]);
    const before = memory().numTensors;
    for (const expected of [1, 3, 5]) {
      const { first, second } = both(x, counter);
      expect([values(first), values(second)]).toEqual([[10 * expected], [10 * (expected + 1)]]);
      dispose([first, second]);
    }
    const { first } = both(x, new Counter(100));
    expect(values(first)).toEqual([1010]);
    expect(memory().numTensors).toBe(before + 2);
    both.dispose();
  });

  test('a call inside another compiled function, or inside a gradient, is part of it', () => {
    const inner = compile((x: Tensor) => square(x));
    const outer = compile((x: Tensor) => add(inner(x), 1));
    expect(values(outer(tensor1d([3])))).toEqual([10]);
    const { gradient } = inputGradient((x: Tensor) => ({ value: inner(x) }), tensor1d([3]));
    expect(values(gradient)).toEqual([6]);
  });

  test('a thousand calls hold no more memory than ten', () => {
    const stepOf = (weights: Variable) => (x: Tensor2D) => {
      weights.assign(mul(add(weights, 0.1), 0.9));
      return mean(matMul(x, weights as unknown as Tensor2D));
    };
    const state = variable(randomUniform([256, 256]));
    const step = compile(stepOf(variable(randomUniform([256, 256]))));
    const shared = program({ state: [state], functions: { step: stepOf(state) } });
    const x = tensor2d(new Float32Array(256 * 256), [256, 256]);
    const handles = () =>
      (backend() as unknown as { getNumOfTFTensors(): number }).getNumOfTFTensors();
    const calls = (count: number) => {
      for (let i = 0; i < count; i++) dispose([step(x), shared.functions.step(x)]);
    };
    calls(10);
    const before = { ...memory(), handles: handles() };
    const rss = process.memoryUsage().rss;
    calls(1000);
    const after = { ...memory(), handles: handles() };
    expect(after).toEqual(before);
    // One leaked copy of the weights a call would be 260 MB, twice.
    expect(process.memoryUsage().rss - rss).toBeLessThan(100e6);
    shared.dispose();
    step.dispose();
  });

  test('recording holds no values: a function that would take gigabytes is recorded in little', () => {
    const wide = compile(
      (x: Tensor4D) =>
        iterate(2, { x }, ({ x }) => {
          let sums: Tensor = zeros([1]);
          // 50 activations of 64 MB, each kept by its gradient.
          const { gradient } = inputGradient((at: Tensor4D) => {
            let h = at;
            for (let layer = 0; layer < 50; layer++) h = softplus(h);
            return { value: sum(h) };
          }, x);
          sums = add(sums, mean(gradient));
          return { x: mul(x, sums) as Tensor4D };
        }).x,
    );
    // Recorded, but not run: a session would need the memory.
    const rss = process.memoryUsage().rss;
    const x = fill([16, 128, 128, 64], 1) as Tensor4D;
    withAddon({ runSavedModel: () => [] }, () => wide(x));
    expect(process.memoryUsage().rss - rss).toBeLessThan(400e6);
    x.dispose();
    wide.dispose();
  });

  test('an op that fails when the graph runs is an error that names the function', () => {
    const pick = compile((x: Tensor1D, at: Tensor1D) => gather(x, at), { name: 'pick' });
    expect(() => pick(tensor1d([1, 2]), tensor1d([5], 'int32'))).toThrow(
      'pick: TensorFlow stopped at pick/GatherV2_1: indices[0] = 5 is not in [0, 2)',
    );
    pick.dispose();
  });

  describe('loops', () => {
    test('one of many rounds is as small as one of few', () => {
      const sizes = [3, 300].map((count) => {
        const bytes = graphBytes(() => {
          const looped = compile(
            (x: Tensor) => iterate(count, { x }, ({ x }) => ({ x: sigmoid(x) })).x,
          );
          values(looped(tensor1d([0.3])));
          looped.dispose();
        });
        return bytes;
      });
      expect(sizes[1]).toBe(sizes[0]);
    });

    test('give what the rounds give one by one, whatever they do', () => {
      const weights = variable(randomUniform([3, 3, 2, 2], -1, 1, 'float32', 4) as Tensor4D);
      const body =
        (images: Tensor4D, rate: Tensor) =>
        (state: { delta: Tensor4D; best: Tensor1D }, step: Scalar) => {
          const { value, gradient } = inputGradient((delta: Tensor4D) => {
            const h = conv2d(add(images, delta) as Tensor4D, weights as Tensor4D, 1, 'same');
            return { value: sum(softplus(h), [1, 2, 3]) };
          }, state.delta);
          const size = div(rate, add(cast(step, 'float32'), 1));
          return {
            delta: add(state.delta, mul(gradient, size)) as Tensor4D,
            best: value as Tensor1D,
          };
        };
      const search = (count: number) => (images: Tensor4D, rate: Tensor) =>
        iterate(
          count,
          { delta: zeros(images.shape) as Tensor4D, best: zeros([2]) as Tensor1D },
          body(images, rate),
        );
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 6 }),
          fc.float({ min: Math.fround(0.01), max: 1, noNaN: true }),
          (count, rate) => {
            tidy(() => {
              const images = randomUniform([2, 4, 4, 2], 0, 1, 'float32', 1) as Tensor4D;
              const eager = search(count)(images, scalar(rate));
              const graph = compile(search(count));
              const found = graph(images, scalar(rate));
              graph.dispose();
              for (const key of ['delta', 'best'] as const) {
                const difference = Math.max(
                  0,
                  ...values(sub(found[key], eager[key])).map(Math.abs),
                );
                expect(difference).toBeLessThan(
                  1e-5 * Math.max(1, ...values(eager[key]).map(Math.abs)),
                );
              }
            });
          },
        ),
        { numRuns: 12 },
      );
    });

    test('one inside another', () => {
      const nested = compile(
        (x: Tensor) =>
          iterate(3, { x }, ({ x }, outer) => ({
            x: iterate(4, { y: x }, ({ y }, inner) => ({
              y: add(y, cast(add(mul(outer, 10), inner), 'float32')),
            })).y,
          })).x,
      );
      let expected = 1;
      for (let i = 0; i < 3; i++) for (let j = 0; j < 4; j++) expected += 10 * i + j;
      expect(values(nested(scalar(1)))).toEqual([expected]);
      nested.dispose();
    });

    test('a gradient goes through, round by round', () => {
      const power = compile(
        (x: Tensor) =>
          inputGradient(
            (at: Tensor) => ({ value: iterate(3, { y: at }, ({ y }) => ({ y: square(y) })).y }),
            x,
          ).gradient,
      );
      expect(values(power(scalar(1.1)))[0]).toBeCloseTo(8 * 1.1 ** 7, 4);
      power.dispose();
    });

    test.each<[string, (x: Tensor) => Tensor, string]>([
      [
        'changes a shape',
        (x) => iterate(3, { x }, ({ x }) => ({ x: x.rank < 1 ? tensor1d([1]) : x })).x,
        'changes the shape of x',
      ],
      [
        'lets a tensor out',
        (x) => {
          let out: Tensor = x;
          iterate(3, { x }, ({ x }) => {
            out = mul(x, 2);
            return { x: add(x, keep(out)) };
          });
          return add(out, 1);
        },
        'inside the body of iterate',
      ],
    ])('a body that %s is refused', (_, fn, words) => {
      expect(() => compile(fn)(scalar(1))).toThrow(words);
    });
  });

  test.each([
    ['flags : avx2 avx512_bf16 x', false, true],
    ['flags : amx_bf16', false, true],
    ['flags : avx2 avx512f', false, false],
    ['', true, true],
  ])('bfloat16 is used where the processor has it (%s)', (cpuInfo, gpu, expected) => {
    vi.stubEnv('LLR_BFLOAT16', '');
    expect(hasBfloat16(gpu, () => cpuInfo)).toBe(expected);
    vi.stubEnv('LLR_BFLOAT16', expected ? '0' : '1');
    expect(hasBfloat16(gpu, () => cpuInfo)).toBe(!expected);
    vi.unstubAllEnvs();
  });

  test('bfloat16 is for convolutions where it is allowed, and nothing else', () => {
    const filter = variable(randomUniform([3, 3, 4, 4], -1, 1, 'float32', 2) as Tensor4D);
    const precise = (x: Tensor4D) =>
      relu(conv2d(mul(x, 1.001) as Tensor4D, filter as Tensor4D, 1, 'same'));
    vi.stubEnv('LLR_BFLOAT16', '1');
    startGraphs(false);
    const both = compile((x: Tensor4D) => ({
      float32: precise(x),
      bfloat16: withConvolutionPrecision('bfloat16', () => precise(x)),
      affine: withConvolutionPrecision('bfloat16', () => mul(x, 1.001)),
    }));
    const x = randomUniform([2, 6, 6, 4], 0, 1, 'float32', 3) as Tensor4D;
    const found = both(x);
    const exact = precise(x);
    const error = (tensor: Tensor, from: Tensor) =>
      Math.max(...values(sub(tensor, from)).map(Math.abs)) /
      Math.max(...values(from).map(Math.abs));
    expect(error(found.float32, exact)).toBeLessThan(1e-6);
    expect(error(found.affine, mul(x, 1.001))).toBeLessThan(1e-7);
    expect(error(found.bfloat16, exact)).toBeGreaterThan(1e-4);
    expect(error(found.bfloat16, exact)).toBeLessThan(1e-2);
    both.dispose();
    vi.stubEnv('LLR_BFLOAT16', '0');
    startGraphs(false);
    expect(error(both(x).bfloat16, exact)).toBeLessThan(1e-6);
    both.dispose();
    vi.unstubAllEnvs();
    startGraphs(false);
  });

  describe('program', () => {
    const counter = () => {
      const count = variable(tensor1d([0, 0]));
      const made = program({
        name: 'counter',
        state: [count],
        functions: {
          add: (x: Tensor) => {
            count.assign(add(count, x) as Tensor1D);
            return sum(count);
          },
          get: () => count.clone(),
        },
      });
      return { count, ...made };
    };

    test('functions share a state that stays in the session until it is read', () => {
      const { count, functions, read, write, dispose: free } = counter();
      const before = sessions();
      expect(values(functions.add(tensor1d([1, 2])))).toEqual([3]);
      expect(values(functions.get())).toEqual([1, 2]);
      expect(values(functions.add(tensor1d([1, 2])))).toEqual([6]);
      expect(() => values(count)).toThrow('lives in the session of a program');
      expect(() => add(count, 1)).toThrow('lives in the session of a program');
      read();
      expect(values(count)).toEqual([2, 4]);
      count.assign(tensor1d([100, 100]));
      write();
      expect(values(functions.get())).toEqual([100, 100]);
      expect(values(functions.add(scalar(1)))).toEqual([202]);
      expect(sessions()).toBe(before + 1);
      free();
      expect(values(count)).toEqual([101, 101]);
      expect(sessions()).toBe(before);
      expect(values(functions.get())).toEqual([101, 101]);
      free();
    });

    test('state is in memory once; one variable may be written alone', () => {
      const big = variable(zeros([1 << 20]));
      const small = variable(scalar(1));
      const {
        functions,
        read,
        write,
        dispose: free,
      } = program({
        state: [big, small],
        functions: { sums: () => ({ big: sum(big), small: small.clone() }) },
      });
      const tensors = memory().numTensors;
      const rss = process.memoryUsage().rss;
      for (let i = 0; i < 20; i++) {
        dispose(functions.sums());
        read();
      }
      expect(memory().numTensors).toBe(tensors);
      expect(process.memoryUsage().rss - rss).toBeLessThan(40e6);
      dispose(functions.sums());
      small.assign(scalar(7));
      write();
      const found = functions.sums();
      expect([values(found.big), values(found.small)]).toEqual([[0], [7]]);
      free();
      expect(values(small)).toEqual([7]);
    });

    test('two programs of the same shape keep apart', () => {
      const a = counter();
      const b = counter();
      a.functions.add(tensor1d([1, 1]));
      b.functions.add(tensor1d([5, 5]));
      expect(values(a.functions.get())).toEqual([1, 1]);
      expect(values(b.functions.get())).toEqual([5, 5]);
      a.dispose();
      b.dispose();
    });

    test('training steps are what eager ones are', () => {
      const make = () => ({
        weights: variable(randomUniform([3, 3, 2, 4], -1, 1, 'float32', 7) as Tensor4D),
        velocity: variable(zeros([3, 3, 2, 4]) as Tensor4D),
      });
      const stepOf =
        ({ weights, velocity }: ReturnType<typeof make>) =>
        (x: Tensor4D, rate: Scalar) => {
          const { value, grads } = variableGrads(() => {
            const { gradient } = inputGradient(
              (at: Tensor4D) => ({ value: softplus(conv2d(at, weights as Tensor4D, 1, 'same')) }),
              x,
            );
            return mean(square(gradient)) as Scalar;
          }, [weights]);
          velocity.assign(add(mul(velocity, 0.9), grads[weights.name]!) as Tensor4D);
          weights.assign(sub(weights, mul(velocity, rate)) as Tensor4D);
          return value;
        };
      const eager = make();
      const resident = make();
      const {
        functions,
        read,
        dispose: free,
      } = program({
        state: Object.values(resident),
        functions: { step: stepOf(resident) },
      });
      for (let i = 0; i < 5; i++) {
        const x = randomUniform([2, 5, 5, 2], 0, 1, 'float32', 10 + i) as Tensor4D;
        const rate = scalar(0.01 * (i + 1));
        const expected = tidy(() => stepOf(eager)(x, rate));
        expect(values(functions.step(x, rate))[0]).toBeCloseTo(values(expected)[0]!, 5);
      }
      read();
      for (const key of ['weights', 'velocity'] as const) {
        const difference = Math.max(...values(sub(resident[key], eager[key])).map(Math.abs));
        expect(difference).toBeLessThan(1e-5);
      }
      free();
    });
  });
});

/** Runs a function with some of the addon's functions replaced. */
function withAddon(
  replaced: Record<string, (...args: never[]) => unknown>,
  fn: () => unknown,
): void {
  const holder = engine().backend as unknown as { binding: Record<string, never> };
  const { binding } = holder;
  // Its properties can't be enumerated.
  const names = Object.getOwnPropertyNames(binding);
  const own = Object.fromEntries(names.map((name) => [name, binding[name]]));
  holder.binding = { ...own, ...replaced } as never;
  try {
    fn();
  } finally {
    holder.binding = binding;
  }
}

/** The size of the graph that a function has loaded. */
function graphBytes(fn: () => void): number {
  const { binding } = engine().backend as unknown as {
    binding: { loadSavedModel(folder: string, tags: string): number };
  };
  let bytes = 0;
  const loadSavedModel = (folder: string, tags: string) => {
    bytes = statSync(`${folder}/saved_model.pb`).size;
    return binding.loadSavedModel(folder, tags);
  };
  withAddon({ loadSavedModel }, fn);
  return bytes;
}
