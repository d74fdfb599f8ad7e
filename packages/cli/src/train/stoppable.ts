import { TrainingStopped } from '@llr/train';
import { Interrupted, onInterrupt } from '../eval/interrupt.ts';
import type { Output } from '../output.ts';

/**
 * Training that Ctrl-C (or SIGTERM) stops after the step at hand, when a checkpoint is written.
 *
 * @throws Interrupted then, saying how to go on
 */
export async function stoppable<T>(
  out: Output,
  training: (signal: AbortSignal) => Promise<T>,
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
    throw error instanceof TrainingStopped ? new Interrupted(error.message, code) : error;
  } finally {
    unlisten();
  }
}
