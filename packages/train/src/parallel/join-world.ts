import { type Launch, launchOf } from './launcher.ts';
import { loadMpi } from './mpi/library.ts';
import { MpiWorld } from './mpi/mpi-world.ts';
import { alone, type World } from './world.ts';

const tenMinutes = 600;

/**
 * The processes that this one was started with by mpirun (Open MPI, MPICH) or srun, as the environment tells; `alone`,
 * where it tells of none or of this one only. Once in a process, and before TensorFlow loads where each rank is to
 * have its own GPU.
 *
 * Environment: `LLR_MPI_TIMEOUT`, seconds without a sign of life after which a rank is given up, default 600;
 * `LLR_LIBMPI`, the MPI library, where the one of the mpirun in use is not found.
 *
 * @throws when koffi or the MPI library is missing; when the library is of another MPI than the mpirun in use
 */
export async function joinWorld(): Promise<World> {
  const launch = launchOf(process.env);
  if (!launch || launch.size === 1) return alone;
  const timeout = timeoutOf(process.env.LLR_MPI_TIMEOUT);
  const mpi = await loadMpi(launch);
  const world = await MpiWorld.join(mpi, timeout);
  assertAllHere(world, launch, mpi.version);
  return world;
}

function timeoutOf(text: string | undefined): number {
  const timeout = text === undefined || text === '' ? tenMinutes : Number(text);
  if (timeout > 0 && Number.isFinite(timeout)) return timeout;
  throw new Error(`LLR_MPI_TIMEOUT must be a number of seconds above 0; got ${text}.`);
}

function assertAllHere({ size }: World, { size: started }: Launch, library: string): void {
  if (started === undefined || started === size) return;
  throw new Error(
    `mpirun has started ${started} processes, but the MPI library (${library}) knows of ${size}: it is of another MPI than mpirun. Start them with that MPI's mpirun, or name the right library by the environment variable LLR_LIBMPI.`,
  );
}
