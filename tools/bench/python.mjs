// The Pythons that the peers run on: throw-away environments in the user's cache, made when first needed.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from '../setup.mjs';

export const cacheFolder = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

const environments = {
  // The same as for the reference values: see tools/oracle.
  torch: { folder: 'llr-oracle', requirements: 'tools/oracle/requirements.txt' },
  // That of PyTorch, and what the bench of the data loaders needs besides: photographs are all it takes of scikit-image.
  data: {
    folder: 'llr-bench-data',
    requirements: 'tools/bench/data/requirements.txt',
    beside: 'torch',
  },
  // PyTorch's, and the libraries of attacks: they ask for older versions of what they hardly use, so without dependencies.
  attacks: {
    folder: 'llr-bench-attacks',
    requirements: 'tools/bench/attacks/requirements.txt',
    beside: 'torch',
  },
  jax: { folder: 'llr-bench-jax', requirements: 'tools/bench/peers/requirements-jax.txt' },
};

/** Why there is no such Python, as an error of its own. */
export class NoPython extends Error {}

/**
 * The Python with PyTorch, JAX or what is beside them.
 *
 * @param {'torch' | 'data' | 'attacks' | 'jax'} name
 * @throws NoPython when there is no python3, or pip can't install what is needed
 */
export function pythonWith(name) {
  const environment = environments[name];
  const folder = join(cacheFolder, environment.folder);
  const requirements = join(root, environment.requirements);
  const python = join(folder, 'bin/python');
  // Copied there last, so that it tells a complete environment of these very versions.
  const stamp = join(folder, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return python;
  process.stderr.write(`Installing ${wanted.trim().replaceAll('\n', ', ')} into ${folder} …\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cacheFolder, { recursive: true });
  try {
    run('python3', ['-m', 'venv', folder]);
    const besides = environment.beside ? ['--no-deps'] : [];
    run(python, ['-m', 'pip', 'install', '--quiet', ...besides, '--requirement', requirements]);
    if (environment.beside) {
      const link = join(sitePackages(python), 'beside.pth');
      writeFileSync(link, sitePackages(pythonWith(environment.beside)));
    }
  } catch (error) {
    const why = error.stderr?.trim().split('\n').at(-1) || error.message;
    throw new NoPython(`no Python with ${name}: ${why}`);
  }
  cpSync(requirements, stamp);
  return python;
}

const sitePackages = (python) =>
  run(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']).trim();

const run = (program, args) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
