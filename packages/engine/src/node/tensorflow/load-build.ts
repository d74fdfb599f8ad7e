import { join } from 'node:path';
import { load } from '../installed-packages.ts';
import { packageName } from './loader.ts';
import { type Build, findBuild } from './manifest.ts';
import type { Kind } from './recipe.ts';

/** Registers a cached build's backend with tfjs, or throws what keeps it from loading. */
export function loadBuild(kind: Kind): void {
  const { folder } = findBuild(kind) as Build;
  const register = load(join(folder, 'load.cjs')) as (core: unknown, name: string) => void;
  register(load('@tensorflow/tfjs-core'), packageName(kind));
}
