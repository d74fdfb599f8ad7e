import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildFolder, type Kind } from './recipe.ts';

/** Written last into a build: what it is, and every file it needs with its size in bytes. */
export interface Manifest {
  tensorflow: string;
  tfjsNode: string;
  compiler: string;
  bytes: number;
  files: Record<string, number>;
}

const name = 'manifest.json';

/** Lists the files of a build, and so makes it one that loads. */
export function writeManifest(folder: string, about: Omit<Manifest, 'files' | 'bytes'>): Manifest {
  const files = Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), statSync(path).size]),
  );
  const bytes = Object.values(files).reduce((total, size) => total + size, 0);
  const manifest = { ...about, bytes, files };
  writeFileSync(join(folder, name), JSON.stringify(manifest, null, 2));
  return manifest;
}

/** A finished build; `problem` says what is wrong with one that is there but not whole. */
export interface Build {
  folder: string;
  manifest?: Manifest;
  problem?: string;
}

/** The cached build of a kind, or undefined where there is none. */
export function findBuild(kind: Kind): Build | undefined {
  const folder = buildFolder(kind);
  if (!statSync(folder, { throwIfNoEntry: false })) return undefined;
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  } catch {
    return { folder, problem: 'its manifest is missing or broken' };
  }
  const broken = Object.entries(manifest.files).find(
    ([path, size]) => statSync(join(folder, path), { throwIfNoEntry: false })?.size !== size,
  );
  return broken
    ? { folder, problem: `its file ${broken[0]} is missing or not whole` }
    : { folder, manifest };
}
