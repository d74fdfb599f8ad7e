import { type Batch, llr, projectedAscent, type Regularizer, trades } from '@llr/core';
import { log, memory, mul, scalar, slice, sub, variable } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { launchOf } from '../src/parallel/launcher.ts';
import { assertSameEverywhere } from '../src/parallel/same-everywhere.ts';
import { isShared } from '../src/parallel/shared-failure.ts';
import { assertSameState, shareState } from '../src/parallel/shared-state.ts';
import { withinTime } from '../src/parallel/within-time.ts';
import { alone, type World } from '../src/parallel/world.ts';
import { createStepper, type Stepper } from '../src/stepper.ts';
import { memoryWorlds, onAll } from './memory-worlds.ts';
import { setup, waiting } from './small-steps.ts';
import { stripes } from './tiny.ts';

const maximizer = projectedAscent({ stepSize: 0.05, steps: 2 });
const penalties: Record<string, Regularizer> = {
  LLR: llr({ lambda: 4, mu: 3, maximizer }) as Regularizer,
  TRADES: trades({ beta: 6, maximizer }) as Regularizer,
  'LLR, searching asynchronously': waiting(llr({ lambda: 4, mu: 3, maximizer }) as Regularizer),
};

const shareOf = ({ rank, size }: World, { images, labels, indices }: Batch): Batch => {
  const rows = indices.length / size;
  const from = rank * rows;
  return {
    images: slice(images, [from, 0, 0, 0], [rows, -1, -1, -1]),
    labels: slice(labels, [from], [rows]),
    indices: indices.slice(from, from + rows),
  };
};

const inputAt = (step: number, batch: Batch) => ({
  batch,
  step,
  epoch: step / 2,
  epsilon: 0.1,
  learningRate: 0.01,
});

/** Steps of a rank on its rows of batches of 6. */
async function stepsOf(world: World, stepper: Stepper, steps = 2) {
  const metrics = [];
  for (let step = 0; step < steps; step++) {
    const batch = shareOf(world, stripes(6, 10 * step));
    metrics.push(await stepper.stepAsync(inputAt(step, batch)));
  }
  stepper.read();
  return metrics;
}

const fulfilled = <T>(outcomes: readonly PromiseSettledResult<T>[]): T[] =>
  outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });

const rejected = (outcomes: readonly PromiseSettledResult<unknown>[]): Error[] =>
  outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') throw new Error('It went well.');
    return outcome.reason;
  });

const farthest = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, each, i) => Math.max(most, Math.abs(each - b[i]!)), 0);

describe('a step of several processes', () => {
  for (const [name, regularizer] of Object.entries(penalties)) {
    it.each([2, 3])(
      `is that of their shares as micro-batches: ${name}, %i ranks`,
      async (ranks) => {
        const whole = setup([regularizer], { microBatchSize: 6 / ranks });
        const one = createStepper(whole.work);
        const expected = await stepsOf(alone, one);
        const works = Array.from({ length: ranks }, () => setup([regularizer]));
        const worlds = memoryWorlds(ranks);
        const steppers = worlds.map((world) =>
          createStepper({ ...works[world.rank]!.work, world }),
        );
        const found = fulfilled(
          await onAll(worlds, (world) => stepsOf(world, steppers[world.rank]!)),
        );
        const values = works.map((work) => work.values());
        expect(values[0]!.some((value) => Math.abs(value) > 1)).toBe(true);
        expect(farthest(values[0]!, whole.values())).toBeLessThan(1e-5);
        for (const [rank, own] of values.entries()) {
          expect(own).toEqual(values[0]);
          for (const [step, metrics] of expected.entries()) {
            for (const [what, value] of Object.entries(metrics))
              expect(found[rank]![step]![what]).toBeCloseTo(value, 5);
          }
        }
        for (const stepper of [one, ...steppers]) stepper.dispose();
        for (const work of [whole, ...works]) work.dispose();
      },
    );
  }

  it('splits each share further where it is larger than a micro-batch', async () => {
    const regularizer = penalties.LLR!;
    const [whole, ...works] = [2, 2, 2].map((microBatchSize) =>
      setup([regularizer], { microBatchSize }),
    );
    const twelve = (world: World) => shareOf(world, stripes(12));
    const one = createStepper(whole!.work);
    await one.stepAsync(inputAt(0, twelve(alone)));
    const worlds = memoryWorlds(2);
    fulfilled(
      await onAll(worlds, async (world) => {
        const stepper = createStepper({ ...works[world.rank]!.work, world });
        await stepper.stepAsync(inputAt(0, twelve(world)));
        stepper.dispose();
      }),
    );
    one.dispose();
    expect(farthest(works[1]!.values(), whole!.values())).toBeLessThan(1e-5);
    for (const work of [whole!, ...works]) work.dispose();
  });

  it('moves nothing on any rank where it has failed on one, and says where', async () => {
    // The logarithm of a negative number at step 1 on rank 1.
    const failing: Regularizer = {
      name: 'mine',
      penalty: ({ nominal, step }) => mul(nominal.loss, mul(0, log(sub(0.5, step)))),
    };
    const works = [setup([]), setup([failing])];
    const worlds = memoryWorlds(2);
    const steppers = worlds.map((world) => createStepper({ ...works[world.rank]!.work, world }));
    fulfilled(await onAll(worlds, (world) => stepsOf(world, steppers[world.rank]!, 1)));
    const before = works.map((work) => work.values());
    const step = (at: number) => (world: World) =>
      steppers[world.rank]!.stepAsync(inputAt(at, shareOf(world, stripes(6))));
    for (const error of rejected(await onAll(worlds, step(1)))) {
      expect(isShared(error)).toBe(true);
      expect(error.message).toMatch(
        /^rank 1 of 2 in memory: .*at step 1 .*the penalty of mine is NaN/,
      );
    }
    for (const stepper of steppers) stepper.read();
    expect(works.map((work) => work.values())).toEqual(before);
    fulfilled(await onAll(worlds, step(0)));
    for (const stepper of steppers) stepper.dispose();
    expect(works[1]!.values()).toEqual(works[0]!.values());
    for (const work of works) work.dispose();
  });

  it('keeps the number of tensors flat', async () => {
    const works = [setup([penalties.LLR!]), setup([penalties.LLR!])];
    const worlds = memoryWorlds(2);
    const steppers = worlds.map((world) => createStepper({ ...works[world.rank]!.work, world }));
    const batches = worlds.map((world) => shareOf(world, stripes(6)));
    const step = (at: number) =>
      onAll(worlds, ({ rank }) => steppers[rank]!.stepAsync(inputAt(at, batches[rank]!)));
    fulfilled(await step(0));
    const { numTensors } = memory();
    fulfilled(await step(1));
    expect(memory().numTensors).toBe(numTensors);
    for (const stepper of steppers) stepper.dispose();
    for (const work of works) work.dispose();
  });

  it('has to be waited for', () => {
    const { work, dispose } = setup([]);
    const stepper = createStepper({ ...work, world: memoryWorlds(2)[0]! });
    expect(() => stepper.step(inputAt(0, stripes(6)))).toThrow(/stepAsync/);
    stepper.dispose();
    dispose();
  });
});

describe('the state of several processes', () => {
  const statesOf = (values: readonly number[]) =>
    values.map((value) => [
      { name: 'first', variable: variable(scalar(1)) },
      { name: 'second', variable: variable(scalar(value)) },
    ]);

  it('becomes that of rank 0, signs of zeros and all', async () => {
    for (const value of [0, -0, 1e-45, -3.5]) {
      const states = statesOf([value, 7, -0]);
      await onAll(memoryWorlds(3), (world) => shareState(world, states[world.rank]!));
      for (const [, { variable: second }] of states as never as [never, { variable: never }][])
        expect(
          Object.is((second as { dataSync(): number[] }).dataSync()[0], Math.fround(value)),
        ).toBe(true);
    }
  });

  it('is told from others, by rank and array', async () => {
    const [same, other] = [statesOf([2, 2]), statesOf([2, 2.0000002])];
    fulfilled(
      await onAll(memoryWorlds(2), ({ rank, ...world }) =>
        assertSameState({ rank, ...world }, same[rank]!),
      ),
    );
    const errors = await onAll(memoryWorlds(2), (world) =>
      assertSameState(world, other[world.rank]!),
    );
    for (const { message } of rejected(errors))
      expect(message).toMatch(
        /weights of rank 1 of 2 in memory \(second\) are not those of rank 0/,
      );
  });
});

it('processes that do not train the same are told what differs', async () => {
  const described = [
    { seed: 1, train: { batchSize: 4 } },
    { seed: 1, train: { batchSize: 8 } },
  ];
  const errors = await onAll(memoryWorlds(2), (world) =>
    assertSameEverywhere(world, () => described[world.rank]!),
  );
  for (const { message } of rejected(errors))
    expect(message).toMatch(/rank 1 of 2 in memory: train.batchSize is 8, and 4 on rank 0\./);
});

it('the environment says who has started a process', () => {
  expect(launchOf({})).toBeUndefined();
  expect(launchOf({ OMPI_COMM_WORLD_SIZE: '4' })).toEqual({ by: 'openmpi', size: 4 });
  expect(launchOf({ PMI_RANK: '0', PMI_SIZE: '2' })).toEqual({ by: 'pmi', size: 2 });
  expect(launchOf({ PMIX_RANK: '0', SLURM_STEP_NUM_TASKS: '3' })).toEqual({ by: 'pmi', size: 3 });
  expect(launchOf({ SLURM_STEP_NUM_TASKS: '1' })).toBeUndefined();
  expect(() => launchOf({ SLURM_STEP_NUM_TASKS: '3' })).toThrow(/srun has started 3 .*--mpi=pmix/);
});

describe('what is waited for', () => {
  const counted = async function* (ended: { by?: string }) {
    try {
      yield 1;
      yield 2;
    } finally {
      ended.by = 'return';
    }
  };

  it('comes through, alone and with a time-out, and its source is told when it is left', async () => {
    for (const world of [{}, { timeout: 5 }]) {
      const ended = {};
      const found: number[] = [];
      for await (const value of withinTime(world, counted(ended))) found.push(value);
      expect([found, ended]).toEqual([[1, 2], { by: 'return' }]);
      const left = {};
      for await (const _ of withinTime(world, counted(left))) break;
      expect(left).toEqual({ by: 'return' });
    }
  });

  it('is given up after the time-out', async () => {
    const stuck = async function* () {
      yield 1;
      await new Promise(() => {});
    };
    const values = withinTime({ timeout: 0.05 }, stuck());
    expect((await values.next()).value).toBe(1);
    await expect(values.next()).rejects.toThrow(/No images have come for 0.05 s/);
  });
});
