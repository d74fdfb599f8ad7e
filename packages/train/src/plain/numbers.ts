import { z } from 'zod';

/** A number, or one written as people write it: `'8/255'`. */
export const number = z.unknown().transform((value, context): number => {
  const found = typeof value === 'string' ? quotient(value) : value;
  if (typeof found === 'number' && Number.isFinite(found)) return found;
  const message =
    value === undefined
      ? 'is missing: it must be a number'
      : `must be a number, such as 0.1 or 8/255; got ${JSON.stringify(value)}`;
  context.issues.push({ code: 'custom', message, input: value });
  return z.NEVER;
});

function quotient(text: string): number {
  const [, numerator, denominator = '1'] =
    /^\s*([\d.eE+-]+)\s*(?:\/\s*([\d.eE+-]+)\s*)?$/.exec(text) ?? [];
  return Number(numerator) / Number(denominator);
}
