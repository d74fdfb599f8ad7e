import { expect, it } from 'vitest';
import { localRank, takeOwnGpu } from '../src/node/own-gpu.ts';

it.each([
  ['Open MPI', { OMPI_COMM_WORLD_LOCAL_RANK: '1', PMIX_RANK: '5' }],
  ['MPICH', { MPI_LOCALRANKID: '1', PMI_RANK: '5' }],
  ['srun with PMI-2', { SLURM_LOCALID: '1', PMI_RANK: '5' }],
  ['srun with PMIx', { SLURM_LOCALID: '1', PMIX_RANK: '5' }],
  // The variables of the batch script are handed on to what its mpirun starts.
  ['mpirun in a batch script', { SLURM_LOCALID: '0', OMPI_COMM_WORLD_LOCAL_RANK: '1' }],
])('%s says which process of the machine this is', (_, environment) => {
  expect(localRank(environment)).toBe(1);
});

it('what a batch script starts by itself is no rank', () => {
  expect(localRank({ SLURM_LOCALID: '0', SLURM_JOB_ID: '7' })).toBeUndefined();
});

const taken = (environment: NodeJS.ProcessEnv, count: number) => {
  const problem = takeOwnGpu(environment, () => count);
  return problem ?? environment.CUDA_VISIBLE_DEVICES;
};
const second = { OMPI_COMM_WORLD_LOCAL_RANK: '1' };

it.each([
  ['of the machine', second, 4, '1'],
  ['of those that are visible', { ...second, CUDA_VISIBLE_DEVICES: '2,3' }, 4, '3'],
  ['by their identifiers', { ...second, CUDA_VISIBLE_DEVICES: 'GPU-a,GPU-b' }, 4, 'GPU-b'],
  ['the one that the scheduler gave it', { ...second, CUDA_VISIBLE_DEVICES: '0' }, 4, '0'],
  ['none where they are hidden', { ...second, CUDA_VISIBLE_DEVICES: '' }, 4, ''],
  ['none where there is none', second, 0, undefined],
  ['all of them without MPI', {}, 4, undefined],
])('a process takes its GPU: %s', (_, environment, count, gpu) => {
  expect(taken({ ...environment }, count)).toBe(gpu);
});

it('a process without a GPU of its own is told so', () => {
  expect(taken({ OMPI_COMM_WORLD_LOCAL_RANK: '2' }, 2)).toMatch(
    /^this is process 3 on a machine that has 2 GPUs: start one for each GPU/,
  );
  expect(taken({ MPI_LOCALRANKID: '1' }, 1)).toMatch(/has one GPU/);
});
