// Builds every package, unless the builds on disk are already those of the sources.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command, quietly, root } from './setup.mjs';

const stamp = join(root, '.nx/llr-build');

export const packages = () =>
  readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

function sources() {
  const inPackages = packages().flatMap((name) => [
    `packages/${name}/package.json`,
    `packages/${name}/tsconfig.json`,
    `packages/${name}/tsup.config.ts`,
    ...readdirSync(join(root, 'packages', name, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length)),
  ]);
  return ['package-lock.json', 'tsconfig.base.json', 'tools/tsup.base.ts', ...inPackages].sort();
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    hash.update(`${path}\0`);
    if (existsSync(join(root, path))) hash.update(readFileSync(join(root, path)));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/**
 * @param {{ types?: boolean }} options - types: also the declaration files (default), which take most of the time
 */
export function build({ types = true } = {}) {
  const hash = hashOf(sources());
  const needed = packages().map((name) => join(root, 'packages', name, 'dist/index.js'));
  const sufficient = [`${hash} with types`, ...(types ? [] : [hash])];
  if (needed.every(existsSync) && sufficient.includes(lastBuild())) return;
  const nx = [command('nx'), 'run-many', '-t', 'build', '--output-style=static'];
  quietly('Building', process.execPath, types ? nx : [...nx, '--no-dts']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, types ? `${hash} with types` : hash);
}

const lastBuild = () => (existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined);
