import { type OpenDataOptions, openData, preprocessingNames } from '@llr/datasets';
import { z } from 'zod';
import type { ExperimentData } from '../experiment.ts';
import { count, fields, hasMethod } from '../schema/fields.ts';
import type { Kind, Plugin } from './kind.ts';

type Opened = string | ExperimentData;

const path = z.string().min(1);
const partial = z.boolean().optional();
const stream = {
  preprocessing: z.enum(preprocessingNames as [string, ...string[]]).optional(),
  size: count.optional(),
  decoder: z.enum(['sharp', 'wasm']).optional(),
  onBad: z.enum(['skip', 'error']).optional(),
  maxBadFraction: z.number().min(0).max(1).optional(),
  workers: z.number().int().nonnegative().optional(),
  prefetch: count.optional(),
};

/** Data that can be named by one word stays that word, so that the run's record can open it again. */
const plugin = (name: string, options: z.ZodType<object>): Plugin<Opened> => ({
  options,
  make: ({ path, ...given }: { path?: string } & OpenDataOptions) => {
    const spec = path === undefined ? name : `${name}:${path}`;
    const data = openData(spec, given);
    return Object.keys(given).length === 0 ? spec : data;
  },
});

/** @throws RangeError when the word names no data */
function named(spec: string): string {
  openData(spec);
  return spec;
}

const cifar = fields({ path: path.optional(), partial });

/** The data that a config can name: as `openData` does, or with options. */
export const data: Kind<Opened> = {
  title: 'data',
  shape: 'an object with a name and an open() method',
  is: (value) => hasMethod(value, 'open'),
  plugins: {
    'fashion-mnist': plugin('fashion-mnist', fields({})),
    cifar10: plugin('cifar10', cifar),
    cifar100: plugin('cifar100', cifar),
    imagenet: plugin('imagenet', fields({ path, partial, ...stream })),
    folder: plugin('folder', fields({ path, ...stream })),
  },
  find: (spec) =>
    spec.includes(':') ? { options: fields({}), make: () => named(spec) } : undefined,
};
