import { type CompiledInput, compile } from '@llr/engine';
import { add, memory, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linfBall, type RandomSource, randomSource } from '../src/index.ts';

const purpose = fc.oneof(fc.string(), fc.nat());
const forks = fc.array(fc.array(purpose, { maxLength: 3 }), { maxLength: 3 });
const bounds = fc.option(fc.tuple(fc.float({ min: -9, max: 0 }), fc.float({ min: 1, max: 9 })), {
  nil: undefined,
});
const draw = fc.record({
  forks,
  bounds,
  normal: fc.boolean(),
  size: fc.integer({ min: 1, max: 5 }),
});

type Draw = typeof draw extends fc.Arbitrary<infer D> ? D : never;

const rows = 3;

/** A draw as a function of tensors would make it. */
function drawn(source: RandomSource, { forks, bounds, normal, size }: Draw): Tensor {
  const at = forks.reduce((from, words) => from.fork(...words), source);
  return normal ? at.normal([rows, size]) : at.uniform([rows, size], ...(bounds ?? []));
}

const noted = (): { input: CompiledInput; notes: Parameters<CompiledInput>[] } => {
  const notes: Parameters<CompiledInput>[] = [];
  return {
    notes,
    input: (...note) => {
      notes.push(note);
      return tensor1d([]);
    },
  };
};

describe('a random source while a function is compiled', () => {
  test('notes draws that give, on another source, what that one gives directly', () => {
    fc.assert(
      fc.property(
        fc.array(draw, { maxLength: 4 }),
        fc.array(fc.nat(), { minLength: rows, maxLength: rows }),
        (draws, indices) =>
          tidy(() => {
            const { input, notes } = noted();
            const standIn = randomSource(1).whileCompiled(input);
            for (const one of draws) drawn(standIn, one);
            const actual = randomSource(2).fork('step', 7).forExamples(indices);
            for (const [i, [shape, dtype, make]] of notes.entries()) {
              const replayed = make(actual as never);
              expect(replayed.dataSync()).toEqual(drawn(actual, draws[i]!).dataSync());
              expect([replayed.shape, replayed.dtype]).toEqual([shape, dtype]);
            }
            expect(notes).toHaveLength(draws.length);
          }),
      ),
      { numRuns: 50 },
    );
  });

  test('refuses what would become a constant, and the purposes that a source refuses', () => {
    const { input } = noted();
    const standIn = randomSource(1).whileCompiled(input);
    expect(() => standIn.fork('a').forExamples([1])).toThrow('Bind it before');
    expect(() => standIn.integers([1, 2], 5)).toThrow('draws integers in JavaScript');
    expect(() => standIn.fork(-1)).toThrow('got -1');
  });

  test('gives a compiled function new numbers in each call, the same as without compiling', () => {
    const start = (radius: Tensor, random: RandomSource): Tensor => {
      const [first, second] = ['a', 'b'].map((name) => random.fork(name).uniform([2, 3], -1, 1));
      return add(add(first!, second!), radius);
    };
    const compiled = compile(start);
    const radius = tensor1d([0.5]);
    const sources = [4, 5].map((seed) => randomSource(seed).fork('start').forExamples([8, 9]));
    const before = memory().numTensors;
    for (const source of [...sources, ...sources]) {
      tidy(() => {
        const [found, expected] = [compiled(radius, source), start(radius, source)];
        expect(found.dataSync()).toEqual(expected.dataSync());
      });
    }
    expect(memory().numTensors).toBe(before);
    compiled.dispose();
    radius.dispose();
  });

  test('starts in a ball of the radius that a call is given', () => {
    const images = tidy(() => randomSource(0).forExamples([0, 1]).uniform([2, 4, 4, 1]));
    const compiled = compile((x: Tensor, radius: Tensor, random: RandomSource) =>
      linfBall(radius as never).start(x as never, random),
    );
    const random = randomSource(3).forExamples([0, 1]);
    for (const epsilon of [0.1, 0, 0.3]) {
      tidy(() => {
        const found = compiled(images, tensor1d([epsilon]), random);
        const expected = linfBall(epsilon).start(images as never, random);
        const [a, b] = [found.dataSync(), expected.dataSync()];
        for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i]!, 6);
      });
    }
    compiled.dispose();
    images.dispose();
  });
});
