import { z } from 'zod';
import { cosineDecay, type EpochSchedule, stepDecay } from '../schedules.ts';
import { fields } from '../schema/fields.ts';
import type { Kind } from './kind.ts';

const positive = z.number().positive();

/** The schedules that a config can name; a constant learning rate is a number. */
export const learningRates: Kind<number | EpochSchedule> = {
  title: 'a learning rate',
  shape: 'a number, or a function of the epoch',
  key: 'schedule',
  is: (value) => typeof value === 'function' || (typeof value === 'number' && value > 0),
  plugins: {
    'step-decay': {
      options: fields({
        initial: positive,
        at: z.array(positive).min(1),
        factor: positive.optional(),
      }),
      make: ({ initial, at, factor }: { initial: number; at: number[]; factor?: number }) =>
        stepDecay(initial, at, factor),
    },
    'cosine-decay': {
      options: fields({ initial: positive }),
      make: ({ initial }: { initial: number }) => cosineDecay(initial),
    },
  },
};
