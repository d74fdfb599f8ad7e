import type { TrainCallback } from '@llr/train';
import type { Output } from '../output.ts';

/**
 * A line for each checkpoint. Where several processes train, the log of a job has to name the last good one before any
 * of them dies: mpirun ends the others then, and may leave them no time to say it.
 */
export const checkpointLines = (out: Output): TrainCallback => ({
  onCheckpoint: (folder, kind) => {
    if (kind === 'step') out.say(`Checkpoint: ${folder}`);
  },
});
