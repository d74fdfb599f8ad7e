import { execFileSync, spawnSync } from 'node:child_process';
import { findBuild } from '../packages/engine/src/node/tensorflow/manifest.ts';
import { findProgram } from './find-program.ts';
import { findMpirun, namespaces } from './mpi/mpirun.ts';

/** What some tests need beyond Node and the registry. */
export type Requirement =
  | 'browser'
  | 'tensorflow'
  | 'peers'
  | 'openmpi'
  | 'mpich'
  | 'namespaces'
  | 'slurm';

const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** How each is asked for, and what finds the program or folder that meets it. */
const requirements: Record<Requirement, { wanted: string; find: () => string | undefined }> = {
  browser: { wanted: browsers.join(' or '), find: findBrowser },
  tensorflow: {
    wanted: 'the native TensorFlow (llr engine install)',
    find: () => {
      const build = findBuild('cpu');
      return build?.manifest && build.folder;
    },
  },
  peers: {
    wanted: 'LLR_PEERS, a folder that tools/oracle/peers.py wrote',
    find: () => process.env.LLR_PEERS,
  },
  openmpi: {
    wanted: "Open MPI's mpirun (Debian: openmpi-bin)",
    find: () => findMpirun('openmpi'),
  },
  mpich: { wanted: "MPICH's mpirun (Debian: mpich)", find: () => findMpirun('mpich') },
  namespaces: {
    wanted: 'the right to make network namespaces (root, Linux, iproute2)',
    find: () => (canMakeNamespaces() ? namespaces : undefined),
  },
  slurm: {
    wanted: 'Slurm (Debian: slurmctld, slurmd, slurm-client, munge)',
    find: () =>
      ['munged', 'slurmd', 'sbatch'].every((name) => findProgram(name))
        ? findProgram('slurmctld')
        : undefined,
  },
};

/** LLR_BROWSER, or one that is on the path. */
function findBrowser(): string | undefined {
  return process.env.LLR_BROWSER || findProgram(...browsers);
}

function canMakeNamespaces(): boolean {
  const options = { env: { ...process.env, LLR_HOSTS: `try${process.pid}` } };
  try {
    execFileSync(namespaces, ['up', '1'], { ...options, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    spawnSync(namespaces, ['down'], options);
  }
}

/**
 * The program, or the folder, that a test needs. Skips the test, by name and with the reason, where the machine lacks it;
 * throws if the environment variable LLR_REQUIRE lists it (`LLR_REQUIRE=browser`).
 *
 * @param skip - of the test's context: `test('…', ({ skip }) => { const browser = requires('browser', skip); … })`
 */
export function requires(requirement: Requirement, skip: (note: string) => never): string {
  const { find, wanted: what } = requirements[requirement];
  const found = find();
  if (found) return found;
  const needed = (process.env.LLR_REQUIRE ?? '').split(',').includes(requirement);
  const wanted = `needs ${what}`;
  if (needed)
    throw new Error(`This test ${wanted}, which LLR_REQUIRE asks for and this machine lacks.`);
  return skip(wanted);
}
