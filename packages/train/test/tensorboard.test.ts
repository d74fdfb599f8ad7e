import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { callEach, type TrainProgress } from '../src/callbacks.ts';
import { restartRecord, scalarsRecord, versionRecord } from '../src/tensorboard/events.ts';
import { scalarsOf } from '../src/tensorboard/tags.ts';
import { tensorBoard } from '../src/tensorboard/tensor-board.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-tensorboard-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Written by TensorBoard 2.21: its event_pb2 and summary_pb2 through its RecordWriter. */
const known = {
  version: '1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9',
  scalars:
    '3500000000000000d6c55de60900001040fc54d94110ac022a270a110a0a747261696e2f6c6f737315cdcccc3d0a120a0b7363686564756c652fceb515000000001d249f3e',
  restart: '14000000000000005e3d29150900001040fc54d941108580808080203a020801aedf459e',
};
const at = 1700000000.25;

describe('event records', () => {
  it('have the bytes that TensorBoard itself writes', () => {
    expect(versionRecord(at).toString('hex')).toBe(known.version);
    const scalars = { 'train/loss': 0.1, 'schedule/ε': 0 };
    expect(scalarsRecord(at, 300, scalars).toString('hex')).toBe(known.scalars);
    expect(restartRecord(at, 2 ** 40 + 5).toString('hex')).toBe(known.restart);
  });
});

describe('tags', () => {
  it('group what is measured in training, in validation, and what is set', () => {
    const line = { step: 4, epoch: 0.5, loss: 2, 'penalty of LLR': 1, learningRate: 0.1 };
    expect(scalarsOf({ ...line, epsilon: 0.03 })).toEqual({
      'schedule/epoch': 0.5,
      'train/loss': 2,
      'train/penalty of LLR': 1,
      'schedule/learning rate': 0.1,
      'schedule/epsilon': 0.03,
    });
  });

  it('give the epoch once where a validation follows a line of the same step', () => {
    const line = { step: 4, epoch: 1, 'validation accuracy': 0.5, 'validation robust accuracy': 0 };
    expect(scalarsOf(line)).toEqual({
      'validation/accuracy': 0.5,
      'validation/robust accuracy': 0,
    });
  });
});

/** The payloads of a file's records, by what the format says of their lengths. */
function payloads(file: string): Buffer[] {
  const bytes = readFileSync(file);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    found.push(bytes.subarray(at + 12, at + 12 + length));
    at += length + 16;
  }
  return found;
}

/** Field 2 of an event, the step, whose numbers are below 128 here; it follows the nine bytes of the time. */
const stepOf = (event: Buffer): number => (event[9] === 0x10 ? event[10]! : 0);

const eventFiles = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.includes('tfevents'))
    .sort()
    .map((name) => join(folder, name));

const progress = { imagesPerSecond: 100, dataWait: 0.25 } as TrainProgress;

describe('tensorBoard', () => {
  /** A training from one step to another that writes a line after each, as the loop does. */
  const trained = async (directory: string, from: number, to: number) => {
    const told = callEach([tensorBoard()]);
    await told.onStart({ directory, step: from, steps: 10 });
    for (let step = from + 1; step <= to; step++) {
      await told.onStep({ ...progress, step });
      await told.onMetrics({ step, epoch: step / 10, loss: 1 / step });
    }
    await told.onMetrics({ step: to, epoch: to / 10, 'validation accuracy': 1 });
    await told.onEnd();
  };

  it('writes a record for each line into the folder of the run, and the speed once a step', async () => {
    const directory = join(root, 'new', 'run');
    await trained(directory, 0, 3);
    const [file, ...others] = eventFiles(directory);
    expect(others).toEqual([]);
    const events = payloads(file!);
    expect(events.map(stepOf)).toEqual([0, 1, 2, 3, 3]);
    expect(events[3]!.includes('train/loss')).toBe(true);
    expect(events.map((event) => event.includes('speed/data wait'))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
  });

  it('replaces the files of an earlier run, and nobody else’s', async () => {
    const directory = join(root, 'again');
    await trained(directory, 0, 9);
    const [earlier] = eventFiles(directory);
    appendFileSync(join(directory, 'events.out.tfevents.1700000000.host'), 'of another program');
    await trained(directory, 0, 2);
    const found = eventFiles(directory);
    expect(found).toHaveLength(2);
    expect(payloads(found[0]!).map(stepOf)).toEqual([0, 1, 2, 2]);
    expect(found[1]).toContain('host');
    expect(earlier).toMatch(/0001\.\d+\.llr$/);
  });

  it('adds a file where a run goes on, which makes void what is done again', async () => {
    const directory = join(root, 'resumed');
    await trained(directory, 0, 6);
    // Killed in the middle of a record.
    const [first] = eventFiles(directory);
    appendFileSync(first!, Buffer.from(known.scalars, 'hex').subarray(0, 20));
    await trained(directory, 4, 8);
    const [, second] = eventFiles(directory);
    const events = payloads(second!);
    expect(events.map(stepOf)).toEqual([0, 5, 5, 6, 7, 8, 8]);
    // session_log { status: START }
    expect(events[1]!.subarray(-4).toString('hex')).toBe('3a020801');
  });

  it('writes to a folder of one’s own', async () => {
    const folder = join(root, 'own');
    const told = callEach([tensorBoard(folder)]);
    await told.onStart({ directory: join(root, 'unused'), step: 0, steps: 1 });
    await told.onMetrics({ step: 1, epoch: 1, loss: 2 });
    expect(payloads(eventFiles(folder)[0]!)).toHaveLength(2);
  });
});
