import { resolve } from 'node:path';

/** The shortest ends of paths by which they differ: `LLR`, or `a/LLR` and `b/LLR`. */
export function shortNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => resolve(path).split(/[/\\]/));
  const longest = Math.max(...parts.map((all) => all.length));
  for (let length = 1; length < longest; length++) {
    const names = parts.map((all) => all.slice(-length).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  return [...paths];
}
