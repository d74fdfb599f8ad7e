import { z } from 'zod';
import { namesInstead } from './closest-name.ts';

/** An object with these fields and no others; one that is unknown is an error that says what it may have meant. */
export const fields = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const known = Object.keys(shape);
      return issue.keys
        .map((key) => `has no field "${key}"; ${namesInstead(key, known)}`)
        .join('. It ');
    },
  });

/** A whole number above 0. */
export const count = z.number().int().positive();

/** A function. */
export const fn = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);

/** An object with a name and a method. */
export const named = <Plugin extends { name: string }>(method: string) =>
  z.custom<Plugin>(
    (value) => hasMethod(value, method) && typeof value.name === 'string',
    `must be an object with a name and a ${method}() method`,
  );

/** Whether a value is an object with a method of that name. */
export function hasMethod(value: unknown, method: string): value is Record<string, unknown> {
  return typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function';
}
