import util from 'node:util';
import { load } from './installed-packages.ts';

/** Registers the backend of the npm package tfjs-node or tfjs-node-gpu, or throws what keeps it from loading. */
export function loadTfjsNode(name: string): void {
  // tfjs-node 4 calls helpers that Node 23 removed.
  const helpers = util as unknown as Record<string, unknown>;
  helpers.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  helpers.isArray ??= Array.isArray;
  load(name);
}
