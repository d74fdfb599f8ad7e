import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../find-program.ts';

export type Mpi = 'openmpi' | 'mpich';

/** What an mpirun calls itself. */
const signs: Record<Mpi, RegExp> = { openmpi: /Open MPI|OpenRTE|PRTE/, mpich: /HYDRA|MPICH/ };

/** The mpirun of an MPI: Debian has both beside one another by names of their own. */
export function findMpirun(mpi: Mpi): string | undefined {
  const own = findProgram(`mpirun.${mpi}`);
  if (own) return own;
  const mpirun = findProgram('mpirun');
  return mpirun && signs[mpi].test(versionOf(mpirun)) ? mpirun : undefined;
}

function versionOf(program: string): string {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return '';
  }
}

/** Hosts that are network namespaces, and what mpirun takes for ssh to them. */
export const namespaces = fileURLToPath(new URL('namespaces.sh', import.meta.url));

/**
 * The arguments before a program that have mpirun start it here on any number of ranks, whatever the number of
 * processors; or on hosts, one on each.
 */
export function startArguments(mpi: Mpi, ranks: number, hosts: readonly string[] = []): string[] {
  const where = hosts.join(',');
  if (mpi === 'mpich') {
    const on = hosts.length > 0 ? ['-hosts', where, '-launcher', 'ssh', '-launcher-exec'] : [];
    return [...on, ...(hosts.length > 0 ? [namespaces] : []), '-n', `${ranks}`];
  }
  const on = hosts.length > 0 ? ['--host', where, '--mca', 'plm_rsh_agent', namespaces] : [];
  return [...on, '--oversubscribe', '--bind-to', 'none', '-n', `${ranks}`];
}

/** What Open MPI wants to see where it is started by root, as in a container. */
export const asRoot = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
};

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; `:` among the arguments begins that of further ranks, as mpirun has it. */
export const run = (
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> =>
  new Promise((done) => {
    execFile(
      program,
      args,
      { env: { ...process.env, ...asRoot, ...env }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) =>
        done({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
