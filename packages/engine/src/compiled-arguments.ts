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
  (!isCompiledSource(value) &&
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value)));

/** Every value in arguments made of arrays and plain objects, in a fixed order. */
export function leavesOf(args: readonly unknown[]): Leaf[] {
  return args.flatMap((value, i) => leavesIn(argument(value, i)));
}

function leavesIn(leaf: Leaf): Leaf[] {
  const { value } = leaf;
  if (!isContainer(value)) return [leaf];
  return Object.entries(value).flatMap(([key, inner]) => leavesIn(within(leaf, key, inner)));
}

const argument = (value: unknown, i: number): Leaf => ({
  value,
  name: `argument ${i + 1}`,
  path: `argument ${i + 1}`,
});

const within = (leaf: Leaf, key: string, value: unknown): Leaf =>
  Array.isArray(leaf.value)
    ? // An element of an array goes by the array's name.
      { value, name: leaf.name, path: `${leaf.path}[${key}]` }
    : { value, name: key, path: `${leaf.path}.${key}` };

/** The same arguments, with each value inside them replaced; `index` counts as `leavesOf` does. */
export function withLeaves(
  args: readonly unknown[],
  replace: (leaf: Leaf, index: number) => unknown,
): unknown[] {
  let index = 0;
  const rebuild = (leaf: Leaf): unknown => {
    const { value } = leaf;
    if (!isContainer(value)) return replace(leaf, index++);
    const inner = Object.entries(value).map(([key, part]) => [
      key,
      rebuild(within(leaf, key, part)),
    ]);
    return Array.isArray(value) ? inner.map(([, part]) => part) : Object.fromEntries(inner);
  };
  return args.map((value, i) => rebuild(argument(value, i)));
}

/** Refuses what a compiled function can't be called with. */
export function assertCompilable(
  name: string,
  args: readonly unknown[],
  statics: readonly string[],
): void {
  for (const { value, name: own, path } of leavesOf(args)) {
    const fits = value instanceof Tensor || isCompiledSource(value) || value === undefined;
    if (fits || statics.includes(own)) continue;
    const what = typeof value === 'object' ? value?.constructor.name : typeof value;
    throw new TypeError(
      `${name}: ${path} is a ${what ?? 'null'}, which a graph would keep as a constant. Pass a tensor if it changes from call to call, or name it in statics: ['${own}'] if it doesn't.`,
    );
  }
}
