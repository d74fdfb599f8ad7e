import { Tensor } from '@tensorflow/tfjs-core';
import { isCompiledSource } from './compiled-source.ts';

/** A value somewhere inside the arguments of a compiled function. */
export interface Leaf {
  value: unknown;
  /** Its own name: the key it has in an object, or `argument 2`. */
  name: string;
  /** The way to it: `argument 1.threat.radius`. */
  path: string;
}

const isContainer = (value: unknown): value is Record<string, unknown> | unknown[] =>
  Array.isArray(value) ||
  (typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value)));

/** Every value in arguments made of arrays and plain objects, in a fixed order. */
export function leavesOf(args: readonly unknown[]): Leaf[] {
  return args.flatMap((value, i) =>
    leavesIn({ value, name: `argument ${i + 1}`, path: `argument ${i + 1}` }),
  );
}

function leavesIn(leaf: Leaf): Leaf[] {
  const { value, path } = leaf;
  if (value instanceof Tensor || isCompiledSource(value) || !isContainer(value)) return [leaf];
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesIn({
      value: inner,
      // An element of an array goes by the array's name.
      name: Array.isArray(value) ? leaf.name : key,
      path: Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`,
    }),
  );
}

/** Refuses what a compiled function can't be called with. */
export function assertCompilable(
  name: string,
  args: readonly unknown[],
  statics: readonly string[],
): void {
  for (const { value, name: own, path } of leavesOf(args)) {
    if (value instanceof Tensor || isCompiledSource(value) || statics.includes(own)) continue;
    const what = typeof value === 'object' ? value?.constructor.name : typeof value;
    throw new TypeError(
      `${name}: ${path} is a ${what ?? 'null'}, which a graph would keep as a constant. Pass a tensor if it changes from call to call, or name it in statics: ['${own}'] if it doesn't.`,
    );
  }
}
