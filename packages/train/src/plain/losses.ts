import { crossEntropy, margin, type PerExampleLoss, squaredError } from '@llr/core';
import { fields } from '../schema/fields.ts';
import type { Kind } from './kind.ts';

const none = fields({});

/** The losses that a config can name. */
export const losses: Kind<PerExampleLoss> = {
  title: 'a loss',
  shape: 'a function of logits and labels',
  is: (value) => typeof value === 'function',
  plugins: {
    'cross-entropy': { options: none, make: () => crossEntropy },
    'squared-error': { options: none, make: () => squaredError },
    margin: { options: none, make: () => margin },
  },
};
