import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installedVersion, locate } from '../installed-packages.ts';
import { download } from './download.ts';
import { downloadFolder } from './recipe.ts';
import { ProgramFailed, run } from './run.ts';

interface Sources {
  /** Folders that may hold tarballs as `npm pack` names them. */
  folders: readonly string[];
  /** Whether npm may be asked. */
  online: boolean;
  staging: string;
  report(step: string, bytes?: number): void;
}

/**
 * A folder with the files of an npm package at exactly that version: the one installed, one from a tarball at
 * hand, or from the user's own npm, which verifies it. No script of the package is run.
 *
 * @throws where it can't be had
 */
export async function npmPackage(name: string, version: string, sources: Sources): Promise<string> {
  if (installedVersion(name) === version) return dirname(locate(`${name}/package.json`));
  const tarball = await packed(name, version, sources);
  const folder = join(sources.staging, 'npm', name);
  mkdirSync(folder, { recursive: true });
  const { extract } = await import('tar');
  await extract({ file: tarball, cwd: folder, strip: 1 });
  return folder;
}

async function packed(name: string, version: string, sources: Sources): Promise<string> {
  const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
  const there = [...sources.folders, downloadFolder()]
    .map((folder) => join(folder, file))
    .find(existsSync);
  if (there) return there;
  const specification = `${name}@${version}`;
  if (!sources.online) {
    throw new Error(
      `There is no ${file} beside the wheel. Where there is a network, get it: npm pack ${specification}`,
    );
  }
  sources.report(`downloading ${specification}`);
  try {
    return await download(
      downloadFolder(),
      sources.staging,
      (into) => run('npm', ['pack', specification, '--pack-destination', into]),
      () => {},
    );
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw new Error(`npm could not get ${specification}. Its last words:${error.lastWords()}`);
  }
}
