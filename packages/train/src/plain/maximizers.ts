import {
  type AscentOptimizer,
  type AscentOptions,
  adam,
  inRadii,
  type Maximizer,
  momentum,
  normalized,
  piecewise,
  projectedAscent,
  type Schedule,
  sign,
  steepest,
} from '@llr/core';
import { z } from 'zod';
import { count, fields, hasMethod } from '../schema/fields.ts';
import { type Kind, type Load, part } from './kind.ts';
import { number } from './numbers.ts';

const share = z.number().min(0).lt(1).optional();
const none = fields({});

const optimizers: Kind<AscentOptimizer> = {
  title: 'an optimizer of an ascent',
  shape: 'an object with a name and an update() method',
  is: (value) => hasMethod(value, 'update'),
  plugins: {
    adam: {
      options: fields({ beta1: share, beta2: share, epsilon: z.number().positive().optional() }),
      make: adam,
    },
    sign: { options: none, make: sign },
    steepest: { options: none, make: steepest },
    normalized: { options: none, make: normalized },
    momentum: { options: fields({ decay: z.number().nonnegative().optional() }), make: momentum },
  },
};

const stepSize = z.union([
  z.custom<Schedule>((value) => typeof value === 'function'),
  z
    .array(z.tuple([z.number(), number]), { error: () => undefined })
    .transform((pieces) => piecewise(pieces)),
  number,
]) as z.ZodType<number | Schedule>;

/** The fields of a projected ascent; `inRadii: true` measures its steps in radii. */
export const ascentFields = (load: Load) =>
  ({
    optimizer: part(optimizers, load).optional(),
    stepSize,
    steps: count,
    keep: z.enum(['last', 'best']).optional(),
    precision: z.enum(['float32', 'bfloat16']).optional(),
    inRadii: z.boolean().optional(),
  }) satisfies Record<keyof AscentOptions | 'inRadii', unknown>;

/** The options of a projected ascent, of its fields. */
export function ascentOf<Options extends AscentOptions & { inRadii?: boolean }>({
  inRadii: measured = false,
  ...options
}: Options): Omit<Options, 'inRadii'> {
  return measured ? { ...options, optimizer: inRadii(options.optimizer ?? adam()) } : options;
}

/** What regularisers search with: a projected ascent, whose options need no name beside them. */
export function maximizers(load: Load): z.ZodType<Maximizer> {
  const ascent = {
    options: fields(ascentFields(load)),
    make: (options: AscentOptions) => projectedAscent(ascentOf(options)),
  };
  const named = part<Maximizer>(
    {
      title: 'a maximizer',
      shape: 'an object with a name and a maximize() method',
      is: (value) => hasMethod(value, 'maximize'),
      plugins: { 'projected-ascent': ascent },
    },
    load,
  );
  const withName = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !('name' in value) && !('from' in value)
      ? { name: 'projected-ascent', ...value }
      : value;
  return z.unknown().transform(withName).pipe(named);
}
