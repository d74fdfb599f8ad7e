import {
  adversarialTraining,
  type CureOptions,
  cure,
  type ElleOptions,
  elle,
  type GradAlignOptions,
  gradAlign,
  type LlrOptions,
  llr,
  type Regularizer,
  type TradesOptions,
  trades,
} from '@llr/core';
import { z } from 'zod';
import { fields, hasMethod } from '../schema/fields.ts';
import type { Kind, Load } from './kind.ts';
import { maximizers } from './maximizers.ts';

const weight = z.number().nonnegative();

/** The regularisers that a config can name. */
export function regularizers(load: Load): Kind<Regularizer> {
  const maximizer = maximizers(load).optional();
  return {
    title: 'a regulariser',
    shape: 'an object with a name and a penalty() method',
    is: (value) => hasMethod(value, 'penalty'),
    plugins: {
      llr: {
        make: llr,
        options: fields({
          lambda: weight,
          mu: weight,
          maximizer,
          variant: z.enum(['paper', 'deepmind']).optional(),
          statisticsGradient: z.enum(['constant', 'through']).optional(),
          nominalWeight: weight.optional(),
        } satisfies Record<keyof LlrOptions, unknown>),
      },
      'adversarial-training': { make: adversarialTraining, options: fields({ maximizer }) },
      trades: {
        make: trades,
        options: fields({ beta: weight, maximizer } satisfies Record<keyof TradesOptions, unknown>),
      },
      cure: {
        make: cure,
        options: fields({
          lambda: weight,
          h: weight,
          squared: z.boolean().optional(),
        } satisfies Record<keyof CureOptions, unknown>),
      },
      'grad-align': {
        make: gradAlign,
        options: fields({
          lambda: weight,
          cleanGradient: z.enum(['constant', 'differentiated']).optional(),
        } satisfies Record<keyof GradAlignOptions, unknown>),
      },
      elle: {
        make: elle,
        options: fields({ lambda: weight } satisfies Record<keyof ElleOptions, unknown>),
      },
    },
  };
}
