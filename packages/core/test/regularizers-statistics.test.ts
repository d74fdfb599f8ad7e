import type { Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  adversarialTraining,
  cure,
  elle,
  gradAlign,
  llr,
  projectedAscent,
  type Regularizer,
  trades,
} from '../src/index.ts';
import { batchOf } from './networks.ts';
import { contextOf, type Pass, tensorsOf, weights } from './regularizers-network.ts';

const batch = batchOf([3, 1, 4, 15]);
const maximizer = projectedAscent({ stepSize: 0.1, steps: 3 });

/** The passes through the network that a search and a penalty make, the context's own nominal one aside. */
function passesOf<F extends Record<string, Tensor>>(regularizer: Regularizer<F>) {
  const context = contextOf(tensorsOf(weights), batch, 0.3);
  const found = regularizer.search!(context);
  const search = context.passes.splice(0);
  regularizer.penalty(context, found);
  return { search, penalty: context.passes };
}

const times = (count: number, use: Pass['use'], images = 4): Pass[] =>
  Array.from({ length: count }, () => ({ use, images }));

describe('the statistics that batch norm uses', () => {
  it('LLR: those of the nominal pass, everywhere (F.2)', () => {
    // Three gradients; the value at the last iterate is not asked for.
    const passes = passesOf(llr({ lambda: 4, mu: 3, maximizer }));
    expect(passes).toEqual({ search: times(3, 'nominal'), penalty: times(1, 'nominal') });
  });

  it("LLR as DeepMind's code: those of the nominal batch, as functions of x for ∇ₓ", () => {
    const passes = passesOf(llr({ lambda: 4, mu: 3, maximizer, statisticsGradient: 'through' }));
    expect(passes).toEqual({
      search: [...times(1, 'batch'), ...times(3, 'nominal')],
      penalty: [...times(1, 'batch'), ...times(1, 'nominal')],
    });
  });

  it("adversarial training: each adversarial batch's own", () => {
    const passes = passesOf(adversarialTraining({ maximizer }));
    expect(passes).toEqual({ search: times(3, 'batch'), penalty: times(1, 'batch') });
  });

  it("TRADES: the running ones in the search, the adversarial batch's own in the penalty", () => {
    const passes = passesOf(trades({ beta: 6, maximizer }));
    expect(passes).toEqual({ search: times(4, 'running'), penalty: times(1, 'batch') });
  });

  it('CURE: the running ones', () => {
    const passes = passesOf(cure({ lambda: 4, h: 0.3 }));
    expect(passes).toEqual({ search: times(1, 'running'), penalty: times(2, 'running') });
  });

  it("GradAlign: each batch's own", () => {
    const constant = passesOf(gradAlign({ lambda: 0.2 }));
    expect(constant).toEqual({ search: times(1, 'batch'), penalty: times(1, 'batch') });
    const both = passesOf(gradAlign({ lambda: 0.2, cleanGradient: 'differentiated' }));
    expect(both).toEqual({ search: [], penalty: times(2, 'batch') });
  });

  it('ELLE: those of the three images of all examples together', () => {
    const passes = passesOf(elle({ lambda: 1000 }));
    expect(passes).toEqual({ search: [], penalty: times(1, 'batch', 12) });
  });
});
