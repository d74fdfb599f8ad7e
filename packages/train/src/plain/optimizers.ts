import { type OptimizerDescription, optimizers } from '../optimizers/optimizer-of.ts';
import type { WeightOptimizerFactory } from '../optimizers/weight-optimizer.ts';
import { fields } from '../schema/fields.ts';
import type { Kind } from './kind.ts';

/** The optimisers that a config can name. They stay data: their weight decay is the recipe's. */
export const weightOptimizers: Kind<OptimizerDescription | WeightOptimizerFactory> = {
  title: 'an optimizer',
  shape: 'a function of the parameters',
  is: (value) => typeof value === 'function',
  plugins: {
    sgd: {
      options: fields(optimizers.sgd.options),
      make: (options: object) => ({ name: 'sgd', ...options }),
    },
    adam: {
      options: fields(optimizers.adam.options),
      make: (options: object) => ({ name: 'adam', ...options }),
    },
  },
};
