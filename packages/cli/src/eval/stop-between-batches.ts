import type { Output } from '../output.ts';
import { Interrupted, onInterrupt } from './interrupt.ts';

/**
 * Ctrl-C for work that keeps a journal: the signal is aborted with `Interrupted`, which says how to go on, for the work to
 * end after the batch at hand.
 *
 * @param file - the journal
 * @param goesOn - what people are told to do when it was stopped
 * @returns what to abort by, and how to stop listening
 */
export function stopBetweenBatches(
  file: string,
  out: Output,
  goesOn = 'The same command goes on',
): { stop: AbortController; unlisten: () => void } {
  const stop = new AbortController();
  const unlisten = onInterrupt((exitCode) => {
    stop.abort(new Interrupted(`Stopped. ${goesOn} from there (${file}).`, exitCode));
    out.say('\nStopping after this batch. Once more ends it at once; one batch is lost then.');
  });
  return { stop, unlisten };
}
