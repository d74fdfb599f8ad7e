import { resolve, sep } from 'node:path';

/** The last part of each path, or as many of the last as it takes for all names to differ: "a/LLR", "b/LLR". */
export function runNames(directories: readonly string[]): string[] {
  const paths = directories.map((directory) => resolve(directory).split(sep).filter(Boolean));
  const most = Math.max(...paths.map(({ length }) => length));
  for (let parts = 1; parts <= most; parts++) {
    const names = paths.map((path) => path.slice(-parts).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  const twice = directories.find(
    (_, i) => paths.findIndex((p) => p.join() === paths[i]!.join()) < i,
  );
  throw new Error(`${twice} is named twice.`);
}
