import { countGpus } from './nvidia.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Which of the processes that MPI started on this machine this one is, from 0: as Open MPI's mpirun, MPICH's, or
 * Slurm's srun says it. Undefined where the process was started alone.
 */
export function localRank(environment: Environment): number | undefined {
  const { OMPI_COMM_WORLD_LOCAL_RANK, MPI_LOCALRANKID, SLURM_LOCALID } = environment;
  const { PMI_RANK, PMIX_RANK } = environment;
  // Slurm's is in the environment of a batch script too, and of whatever mpirun starts from there.
  const ofSlurm = (PMI_RANK ?? PMIX_RANK) ? SLURM_LOCALID : undefined;
  const found = OMPI_COMM_WORLD_LOCAL_RANK ?? MPI_LOCALRANKID ?? ofSlurm;
  return found === undefined ? undefined : Number(found);
}

/**
 * Where MPI started several processes on a machine with several GPUs, each takes one: the n-th of them the n-th GPU of
 * CUDA_VISIBLE_DEVICES, or of the machine. A list of one is left as it is, since a scheduler gave it to this process.
 * TensorFlow reads the variable once, when it is loaded.
 *
 * @param gpusOfMachine - how many there are
 * @returns why there is none to take, in a few words
 */
export function takeOwnGpu(
  environment: NodeJS.ProcessEnv = process.env,
  gpusOfMachine: () => number = countGpus,
): string | undefined {
  const rank = localRank(environment);
  if (rank === undefined) return undefined;
  const named = environment.CUDA_VISIBLE_DEVICES?.split(',').filter((name) => name !== '');
  if (named && named.length < 2) return undefined;
  const gpus = named ?? Array.from({ length: gpusOfMachine() }, (_, i) => String(i));
  if (gpus.length === 0) return undefined;
  const own = gpus[rank];
  if (own === undefined) {
    const has = gpus.length === 1 ? 'has one GPU' : `has ${gpus.length} GPUs`;
    return `this is process ${rank + 1} on a machine that ${has}: start one for each GPU, or set CUDA_VISIBLE_DEVICES for each`;
  }
  environment.CUDA_VISIBLE_DEVICES = own;
  return undefined;
}
