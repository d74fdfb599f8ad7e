import {
  adversarialTraining,
  crossEntropy,
  type PerExampleLoss,
  type Regularizer,
  type TrainableClassifier,
} from '@llr/core';
import { add, getBackend, memory, mul, sub, sum } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { sgd } from '../src/optimizers/sgd.ts';
import type { WeightOptimizerFactory } from '../src/optimizers/weight-optimizer.ts';
import { createStepper } from '../src/stepper.ts';
import { type StepMetrics, trainStep } from '../src/train-step.ts';
import { type Changed, inputs, linear, maximizer, setup, waiting } from './small-steps.ts';

const hasGraphs = getBackend() === 'tensorflow';
const adversarial = {
  ...(adversarialTraining({ maximizer }) as Regularizer),
  nominalWeight: 2,
};

/** The same, its search reading a value: nothing comes of it. */
const readingSearch = (regularizer: Regularizer): Regularizer => ({
  ...regularizer,
  search: (context) => {
    const found = regularizer.search!(context);
    const total = Object.values(found).reduce((sum, found) => sum + found.dataSync()[0]!, 0);
    if (!Number.isFinite(total)) throw new Error('The search found nothing.');
    context.report('read', context.nominal.loss);
    return found;
  },
});

const readingPenalty = (regularizer: Regularizer): Regularizer => ({
  ...regularizer,
  penalty: (context, found) => {
    const penalty = regularizer.penalty(context, found);
    penalty.dataSync();
    return penalty;
  },
});

const readingNetwork = (network: TrainableClassifier & { dispose(): void }) => ({
  ...network,
  forward: (...input: Parameters<TrainableClassifier['forward']>) => {
    const pass = network.forward(...input);
    pass.logits.dataSync();
    return pass;
  },
});

const readingLoss: PerExampleLoss = (logits, labels) => {
  logits.dataSync();
  return crossEntropy(logits, labels);
};

const readingOptimizer: WeightOptimizerFactory = (parameters) => {
  const made = sgd({ weightDecay: 1e-3 })(parameters);
  return {
    ...made,
    apply: (gradients, learningRate) => {
      Object.values(gradients)[0]!.dataSync();
      made.apply(gradients, learningRate);
    },
  };
};

interface Trained {
  metrics: StepMetrics[];
  after: number[];
  notes: string[];
}

/** Two steps of a stepper; tensors may come of the first only. */
async function trained(regularizers: readonly Regularizer[], changed?: Changed): Promise<Trained> {
  const { work, values, dispose } = setup(regularizers, changed);
  const notes: string[] = [];
  const { numTensors } = memory();
  const stepper = createStepper(work, { onEager: ({ message }) => notes.push(message) });
  const metrics: StepMetrics[] = [];
  const counts: number[] = [];
  for (const input of inputs) {
    metrics.push(await stepper.stepAsync(input));
    counts.push(memory().numTensors);
  }
  expect(new Set(counts).size).toBe(1);
  stepper.dispose();
  expect(memory().numTensors).toBe(numTensors);
  const after = values();
  dispose();
  return { metrics, after, notes };
}

/** The same steps, wholly eager, by `trainStep`. */
function eagerly(regularizers: readonly Regularizer[], changed?: Changed): Omit<Trained, 'notes'> {
  const { work, values, dispose } = setup(regularizers, changed);
  const metrics = inputs.map((input) => trainStep(work, input));
  const after = values();
  dispose();
  return { metrics, after };
}

function expectSame(found: Omit<Trained, 'notes'>, expected: Omit<Trained, 'notes'>): void {
  for (const [i, metrics] of expected.metrics.entries()) {
    const names = Object.keys(metrics);
    expect(Object.keys(found.metrics[i]!)).toEqual(names);
    if (!hasGraphs) expect(found.metrics[i]).toEqual(metrics);
    for (const name of names) expect(found.metrics[i]![name]).toBeCloseTo(metrics[name]!, 3);
  }
  if (!hasGraphs) expect(found.after).toEqual(expected.after);
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
  const difference = norm(found.after.map((value, i) => value - expected.after[i]!));
  expect(difference / norm(expected.after)).toBeLessThan(1e-4);
}

/** What can't be compiled, and the beginning of each note, where there would be a graph. */
const cases: Record<string, { regularizers: Regularizer[]; notes: RegExp[]; changed?: Changed }> = {
  'a search': {
    regularizers: [readingSearch(linear)],
    notes: [
      /^The search of the regulariser llr runs eagerly.*rest of a training step compiled.*read/,
    ],
  },
  'one search of two': {
    regularizers: [linear, readingSearch({ ...adversarial, name: 'mine' })],
    notes: [/^The search of the regulariser mine runs eagerly/],
  },
  'a penalty, and searches can': {
    regularizers: [readingPenalty(linear), adversarial],
    notes: [
      /^The gradients and the optimiser .*penalty of the regulariser llr.* searches compiled.*read/,
    ],
  },
  'a penalty and a search, and another search can': {
    regularizers: [linear, readingPenalty(readingSearch({ ...adversarial, name: 'mine' }))],
    notes: [/^The search of the regulariser mine/, /penalty of the regulariser mine/],
  },
  'a penalty and the only search': {
    regularizers: [readingPenalty(readingSearch(linear))],
    notes: [
      /^The search of the regulariser llr/,
      /^Training steps run eagerly.*, because of the penalty of the regulariser llr:.*read/,
    ],
  },
  'the network': {
    regularizers: [linear],
    notes: [/^Training steps run eagerly.*, because of the network .*:.*read/],
    changed: { network: readingNetwork },
  },
  'the loss': {
    regularizers: [linear],
    notes: [/^Training steps run eagerly, which is slower, because of the loss:.*read/],
    changed: { loss: readingLoss },
  },
  'the optimiser': {
    regularizers: [linear],
    notes: [/^Training steps run eagerly, which is slower, because of the optimiser:.*read/],
    changed: { optimizer: readingOptimizer },
  },
};

describe('a step that can only be compiled in part', () => {
  for (const [name, { regularizers, notes, changed }] of Object.entries(cases)) {
    it.each(changed ? [undefined] : [undefined, 4])(
      `is the eager one, and says what is not: ${name}, parts of %s`,
      async (size) => {
        const all = { ...changed, ...(size !== undefined && { microBatchSize: size }) };
        const found = await trained(regularizers, all);
        expectSame(found, eagerly(regularizers, all));
        const expected = hasGraphs ? notes : [];
        expect(found.notes).toHaveLength(expected.length);
        for (const [i, note] of expected.entries()) expect(found.notes[i]).toMatch(note);
      },
    );
  }

  it.runIf(hasGraphs)('records what is compiled once, and runs the rest in each step', () => {
    const calls = { search: 0, penalty: 0 };
    const counted = readingSearch({
      ...linear,
      search: (context) => {
        calls.search += 1;
        return linear.search!(context);
      },
      penalty: (context, found) => {
        calls.penalty += 1;
        return linear.penalty(context, found);
      },
    });
    const { work, dispose } = setup([counted]);
    const stepper = createStepper(work, { onEager: () => {} });
    for (const input of inputs) stepper.step(input);
    // Once more when it turned out.
    expect(calls).toEqual({ search: 3, penalty: 1 });
    stepper.dispose();
    dispose();
  });

  it.runIf(hasGraphs)('has searches compiled where gradients are not', () => {
    const calls = { search: 0, penalty: 0 };
    const counted = readingPenalty({
      ...linear,
      search: (context) => {
        calls.search += 1;
        return linear.search!(context);
      },
      penalty: (context, found) => {
        calls.penalty += 1;
        return linear.penalty(context, found);
      },
    });
    const { work, dispose } = setup([counted]);
    const stepper = createStepper(work, { onEager: () => {} });
    for (const input of [...inputs, ...inputs]) stepper.step(input);
    // Recorded with the step, which turned out not to be compilable, and on its own.
    expect(calls).toEqual({ search: 2, penalty: 1 + 4 });
    stepper.dispose();
    dispose();
  });
});

describe('a search that has to wait', () => {
  /** What it reports, so that metrics are the same. */
  const reporting = (regularizer: Regularizer): Regularizer => ({
    ...regularizer,
    search: (context) => {
      const found = regularizer.search!(context);
      context.report('read', context.nominal.loss);
      return found;
    },
  });

  it.each([undefined, 4])('is the step of one that does not, in parts of %s', async (size) => {
    const changed = size === undefined ? {} : { microBatchSize: size };
    const found = await trained([waiting(linear), adversarial], changed);
    expectSame(found, eagerly([reporting(linear), adversarial], changed));
    // It is meant to run eagerly.
    expect(found.notes).toEqual([]);
  });

  it('needs a step that waits', () => {
    const { work, dispose } = setup([waiting(linear)]);
    const stepper = createStepper(work);
    const message = /regulariser llr searches asynchronously.*stepAsync/;
    expect(() => stepper.step(inputs[0]!)).toThrow(message);
    expect(() => trainStep(work, inputs[0]!)).toThrow(message);
    stepper.dispose();
    dispose();
  });

  it('is in place of one that does not', () => {
    const { work, dispose } = setup([{ ...linear, ...waiting(linear) }]);
    expect(() => createStepper(work)).toThrow(/llr has both search and searchAsync/);
    dispose();
  });

  it('keeps other steps out meanwhile, and may find the images themselves', async () => {
    const gate: { open?: () => void } = {};
    const opened = new Promise<void>((resolve) => {
      gate.open = resolve;
    });
    const itself: Regularizer = {
      name: 'itself',
      nominalWeight: 1,
      searchAsync: async ({ images }) => {
        await opened;
        return { images };
      },
      penalty: ({ nominal, images }, { images: found }) =>
        add(nominal.loss, mul(0, sum(sub(found!, images), [1, 2, 3]))),
    };
    const { work, dispose } = setup([itself]);
    const stepper = createStepper(work);
    const first = stepper.stepAsync(inputs[0]!);
    await expect(stepper.stepAsync(inputs[1]!)).rejects.toThrow('A step is under way');
    await expect(stepper.withAverages(async () => {})).rejects.toThrow('A step is under way');
    expect(() => stepper.step(inputs[1]!)).toThrow('A step is under way');
    gate.open!();
    await first;
    expect(inputs[0]!.batch.images.isDisposed).toBe(false);
    await stepper.stepAsync(inputs[1]!);
    stepper.dispose();
    dispose();
  });

  it('that fails, or finds no tensor, fails the step, moves nothing and leaves nothing', async () => {
    const failing: Regularizer = {
      ...waiting(linear),
      searchAsync: async ({ nominal, step }) => {
        void nominal.inputGradient;
        if (step.dataSync()[0] === 1) throw new Error('The server has gone.');
        return { perturbation: 3 as never };
      },
    };
    const { work, values, dispose } = setup([waiting(linear), { ...failing, name: 'far' }]);
    const before = values();
    const stepper = createStepper(work);
    const { numTensors } = memory();
    await expect(stepper.stepAsync(inputs[1]!)).rejects.toThrow('The server has gone.');
    await expect(stepper.stepAsync(inputs[0]!)).rejects.toThrow(
      /search of the regulariser far found perturbation, which is not a tensor/,
    );
    expect(memory().numTensors).toBe(numTensors);
    expect(values()).toEqual(before);
    stepper.dispose();
    dispose();
  });
});
