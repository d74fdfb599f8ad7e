import type { Regularizer } from '@llr/core';
import { memory, mul, type Tensor4D } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createStepper } from '../src/stepper.ts';
import { inputs, linear, setup, waiting } from './small-steps.ts';

describe('the times of the stages of a step', () => {
  const wait = (milliseconds: number) => {
    const until = performance.now() + milliseconds;
    while (performance.now() < until);
  };
  /** Reading a value has them run, and not just recorded, on all engines. */
  const slow: Regularizer = {
    name: 'slow',
    nominalWeight: 1,
    search: ({ images, nominal }) => {
      nominal.loss.dataSync();
      wait(100);
      return { images: mul(images, 1) as Tensor4D };
    },
    penalty: ({ nominal }) => {
      nominal.loss.dataSync();
      wait(50);
      return nominal.loss;
    },
  };

  it.each([
    ['one that does not wait', slow],
    ['one that waits', waiting(slow)],
  ])('tell a search from a penalty, and leave the state as it was: %s', async (_, regularizer) => {
    const { work, values, dispose } = setup([regularizer], { microBatchSize: 3 });
    const stepper = createStepper(work, { onEager: () => {} });
    await stepper.stepAsync(inputs[0]!);
    stepper.read();
    const [before, { numTensors }] = [values(), memory()];
    const times = await stepper.stageTimes(inputs[1]!, { repeats: 2 });
    // Two micro-batches: 200 and 100 ms, less what a busy machine adds to what is taken away.
    expect(times.search).toBeGreaterThan(0.1);
    expect(times.gradients).toBeGreaterThan(0.05);
    for (const part of [times.nominal, times.optimizer]) {
      expect(part).toBeGreaterThan(0);
      expect(part).toBeLessThan(0.09);
    }
    const { step, nominal, search, gradients, optimizer } = times;
    expect(nominal + search + gradients + optimizer).toBeCloseTo(step, 9);
    stepper.read();
    expect(values()).toEqual(before);
    expect(memory().numTensors).toBe(numTensors);
    stepper.dispose();
    dispose();
  });

  it('of a compiled step are of its parts, compiled, and the search takes no time where there is none', async () => {
    for (const regularizers of [[linear], []]) {
      const { work, values, dispose } = setup(regularizers);
      const stepper = createStepper(work, { onEager: ({ message }) => expect(message).toBe('') });
      stepper.step(inputs[0]!);
      stepper.read();
      const before = values();
      const times = await stepper.stageTimes(inputs[1]!);
      if (regularizers.length === 0) expect(times.search).toBe(0);
      else expect(times.search).toBeGreaterThan(0);
      for (const part of ['step', 'nominal', 'optimizer'] as const)
        expect(times[part]).toBeGreaterThan(0);
      stepper.read();
      expect(values()).toEqual(before);
      // It goes on.
      stepper.write();
      stepper.step(inputs[1]!);
      stepper.dispose();
      dispose();
    }
  });

  it('are measured once at least', async () => {
    const { work, dispose } = setup([]);
    const stepper = createStepper(work);
    await expect(stepper.stageTimes(inputs[0]!, { repeats: 0 })).rejects.toThrow(RangeError);
    stepper.dispose();
    dispose();
  });
});
