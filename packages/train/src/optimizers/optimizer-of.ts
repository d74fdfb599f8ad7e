import { z } from 'zod';
import { fields, fn } from '../schema/fields.ts';
import { adam } from './adam.ts';
import { sgd } from './sgd.ts';
import type { WeightOptimizerFactory } from './weight-optimizer.ts';

const share = z.number().min(0).lt(1);

/** The optimisers that have a name. */
export const optimizers = {
  sgd: { make: sgd, options: { momentum: share.optional() } },
  adam: {
    make: adam,
    options: {
      beta1: share.optional(),
      beta2: share.optional(),
      epsilon: z.number().positive().optional(),
    },
  },
};

/** What moves the parameters, as plain data: a name, with its options where they aren't the defaults. */
export type OptimizerDescription =
  | 'sgd'
  | 'adam'
  | { name: 'sgd'; momentum?: number }
  | { name: 'adam'; beta1?: number; beta2?: number; epsilon?: number };

/** A description, or a factory of the user's own. */
export const optimizerSchema = z.union([
  z.enum(['sgd', 'adam']),
  z.discriminatedUnion(
    'name',
    [
      fields({ name: z.literal('sgd'), ...optimizers.sgd.options }),
      fields({ name: z.literal('adam'), ...optimizers.adam.options }),
    ],
    { error: () => 'must be sgd or adam' },
  ),
  fn,
]) as z.ZodType<OptimizerDescription | WeightOptimizerFactory>;

/** What a run's record says of an optimiser. */
export function optimizerName(optimizer: OptimizerDescription | WeightOptimizerFactory): string {
  if (typeof optimizer === 'string') return optimizer;
  return typeof optimizer === 'function' ? optimizer.name || 'custom' : optimizer.name;
}

/**
 * The optimiser that a recipe names. One of the user's own has its own weight decay.
 *
 * @param weightDecay - L2 regularisation of the named ones
 */
export function optimizerOf({
  optimizer = 'sgd',
  weightDecay = 0,
}: {
  optimizer?: OptimizerDescription | WeightOptimizerFactory;
  weightDecay?: number;
}): WeightOptimizerFactory {
  if (typeof optimizer === 'function') return optimizer;
  const { name, ...options } = typeof optimizer === 'string' ? { name: optimizer } : optimizer;
  return optimizers[name].make({ ...options, weightDecay });
}
