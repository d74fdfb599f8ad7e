import { Tensor } from '@tensorflow/tfjs-core';
import { leavesOf } from '../compiled-arguments.ts';
import { isCompiledSource } from '../compiled-source.ts';
import { convolutionPrecision } from '../convolution-precision.ts';

/** What two calls must share to run the same graph: the structure, shapes and types of the arguments, and the constants. */
export const signatureOf = (args: readonly unknown[]): string =>
  [
    convolutionPrecision(),
    ...leavesOf(args).map(({ value, path }) => `${path}: ${describe(value)}`),
  ].join('\n');

function describe(value: unknown): string {
  if (value instanceof Tensor) return `${value.dtype}[${value.shape}]`;
  return isCompiledSource(value) ? 'source' : (JSON.stringify(value) ?? 'undefined');
}
