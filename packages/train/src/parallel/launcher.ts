/** How the environment says that a process was started as one of several. */
export interface Launch {
  /** `openmpi`: started by Open MPI's own mpirun. `pmi`: by MPICH's, or by srun. */
  readonly by: 'openmpi' | 'pmi';
  /** How many processes it says there are; nothing where it doesn't say. */
  readonly size: number | undefined;
}

/**
 * What mpirun or srun has put into the environment; nothing, where the process was started alone.
 *
 * @throws when srun has started several processes without telling them of each other
 */
export function launchOf(environment: NodeJS.ProcessEnv): Launch | undefined {
  const number = (name: string) => {
    const text = environment[name];
    return text === undefined || text === '' ? undefined : Number(text);
  };
  const openMpi = number('OMPI_COMM_WORLD_SIZE');
  if (openMpi !== undefined) return { by: 'openmpi', size: openMpi };
  if (environment.PMI_RANK !== undefined) return { by: 'pmi', size: number('PMI_SIZE') };
  const tasks = number('SLURM_STEP_NUM_TASKS');
  if (environment.PMIX_RANK !== undefined) return { by: 'pmi', size: tasks };
  if (tasks !== undefined && tasks > 1) {
    throw new Error(
      `srun has started ${tasks} processes that don't know of each other: each would do all the work. Start them with srun --mpi=pmix (or --mpi=pmi2), or with mpirun.`,
    );
  }
  return undefined;
}
