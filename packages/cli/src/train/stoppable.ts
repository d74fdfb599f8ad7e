import { alone, isShared, TrainingStopped, type World } from '@llr/train';
import { Interrupted, onInterrupt } from '../eval/interrupt.ts';
import type { Output } from '../output.ts';
import { FailedTogether } from '../ranks/failure.ts';

/** As after Ctrl-C, where it was another rank that was asked to end. */
const interrupted = 130;

/**
 * Training that Ctrl-C (or SIGTERM) stops after the step at hand, when a checkpoint is written; on any rank, all of
 * them.
 *
 * @throws Interrupted then, saying how to go on; FailedTogether, where there are several ranks and all know of it
 */
export async function stoppable<T>(
  out: Output,
  training: (signal: AbortSignal) => Promise<T>,
  world: World = alone,
): Promise<T> {
  const stop = new AbortController();
  let code = 0;
  const unlisten = onInterrupt((exitCode) => {
    code = exitCode;
    out.say('\nStopping after this step, with a checkpoint. Once more ends it at once, without.');
    stop.abort();
  });
  try {
    return await training(stop.signal);
  } catch (error) {
    const isStopped = error instanceof TrainingStopped;
    if (world.size > 1 && (isStopped || isShared(error)))
      throw new FailedTogether((error as Error).message, isStopped ? code || interrupted : 1);
    throw isStopped ? new Interrupted(error.message, code) : error;
  } finally {
    unlisten();
  }
}
