import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { gitCommit } from '../src/git-commit.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-git-'));
const repository = join(root, 'repository');
const config = join(repository, 'experiments', 'llr.config.ts');

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

beforeAll(() => {
  mkdirSync(join(repository, 'experiments'), { recursive: true });
  writeFileSync(config, 'export default 1;\n');
  git('init');
});
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

describe('gitCommit', () => {
  it('is null outside of a repository, before its first commit, and for a path that is not there', async () => {
    expect(await gitCommit(root)).toBeNull();
    expect(await gitCommit(config)).toBeNull();
    expect(await gitCommit(join(root, 'nowhere'))).toBeNull();
  });

  it('is the commit that is checked out, clean until something tracked changes', async () => {
    git('add', '.');
    git('commit', '-m', 'first');
    const commit = git('rev-parse', 'HEAD');
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    expect(await gitCommit(config)).toEqual({ commit, dirty: false });
    // What a run leaves beside it doesn't count.
    writeFileSync(join(repository, 'run.json'), '{}');
    expect(await gitCommit(join(repository, 'experiments'))).toEqual({ commit, dirty: false });
    writeFileSync(config, 'export default 2;\n');
    expect(await gitCommit(repository)).toEqual({ commit, dirty: true });
    git('checkout', '.');
  });

  it('is dirty where the config itself is not in the commit', async () => {
    const other = join(repository, 'other.config.ts');
    writeFileSync(other, 'export default 3;\n');
    expect(await gitCommit(other)).toMatchObject({ dirty: true });
  });

  it('is of the folder, also where the environment names another repository', async () => {
    vi.stubEnv('GIT_DIR', join(root, 'elsewhere.git'));
    expect(await gitCommit(config)).toMatchObject({ dirty: false });
  });

  it('is null where git is not installed', async () => {
    vi.stubEnv('PATH', join(root, 'nothing'));
    expect(await gitCommit(config)).toBeNull();
  });
});
