import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MeasurementOptions } from '@llr/analysis';
import type { ImageSource } from '@llr/core';
import { subset } from '@llr/datasets';
import { stopBetweenBatches } from '../eval/stop-between-batches.ts';
import { openLineJournal } from '../line-journal.ts';
import type { Output } from '../output.ts';
import type { MeasuredNetwork } from './networks.ts';

/** The images and what a measurement over them is handed, so that it can be stopped and gone on with. */
type Given<Measured> = Required<
  Pick<MeasurementOptions<Measured>, 'batchSize' | 'journal' | 'signal' | 'onProgress'>
> & { data: ImageSource };

/**
 * Measures a network over its first test images. What is done is in a journal beside the result until that is written: the
 * same command goes on where an earlier one ended, in whatever way.
 *
 * @param input.stem - of the result's file; the journal is `<stem>.journal.jsonl`
 * @param input.header - all that the numbers depend on
 * @param measure - measures; what it resolves to is handed to `write`
 * @throws Interrupted after Ctrl-C, when the batch at hand is in the journal; as `openLineJournal` does
 */
export async function overImages<Measured, Result>(
  network: MeasuredNetwork,
  input: {
    task: string;
    stem: string;
    command: string;
    header: object;
    examples: number;
    restart: boolean;
  },
  measure: (given: Given<Measured>) => Promise<Result>,
  write: (result: Result) => Promise<void>,
  out: Output,
): Promise<Result> {
  const { folder, shortName, test, batchSize } = network;
  const { task, stem, command, header, examples, restart } = input;
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${stem}.journal.jsonl`);
  const kind = { command, work: 'measurement' };
  const journal = await openLineJournal<readonly Measured[]>(file, header, restart, kind);
  const bar = out.bar(`${shortName}: ${task}`, 'images');
  const { stop, unlisten } = stopBetweenBatches(file, out);
  const restored = journal.lines.flat();
  if (restored.length > 0) {
    out.say(`Going on with ${restored.length.toLocaleString('en')} images measured (${file}).`);
  }
  try {
    const result = await measure({
      data: examples < test.size ? subset(test, { size: examples }) : test,
      batchSize,
      journal: { restored, record: (batch) => journal.append(batch) },
      signal: stop.signal,
      onProgress: ({ done, total }) => bar.update(done, total),
    });
    await write(result);
    await journal.remove();
    return result;
  } catch (error) {
    // Of what failed before its first batch nothing is worth keeping.
    if (journal.entries() === 0) await journal.remove();
    throw error;
  } finally {
    bar.done();
    unlisten();
    await journal.close();
  }
}
