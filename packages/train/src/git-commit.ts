import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** What git says of some files. */
export interface GitCommit {
  /** The full hash of the commit that is checked out. */
  commit: string;
  /** Whether files that git tracks differ from that commit, or the config isn't among them: the commit alone can't give it back. */
  dirty: boolean;
}

/**
 * The commit that a config file, or a folder, is of.
 *
 * @returns null where there is none: no repository, no commit in it yet, or no git on this machine
 */
export async function gitCommit(path: string): Promise<GitCommit | null> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const folder = isFolder ? path : dirname(path);
    const commit = await git(folder, 'rev-parse', '--verify', 'HEAD');
    const changes = await git(folder, 'status', '--porcelain', '--untracked-files=no');
    const tracked = isFolder || (await git(folder, 'ls-files', '--', basename(path))) !== '';
    return { commit, dirty: changes !== '' || !tracked };
  } catch {
    return null;
  }
}

/** Of the repository that the folder is in, whatever one the environment names, as it does inside of git's hooks. */
function git(folder: string, ...args: string[]): Promise<string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')),
  );
  const options = { cwd: folder, env, timeout: 30_000, maxBuffer: 2 ** 28 };
  return new Promise((resolve, reject) => {
    execFile('git', ['--no-optional-locks', ...args], options, (error, stdout) =>
      error ? reject(error) : resolve(stdout.trim()),
    );
  });
}
