import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { log, mul, sub } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../src/checkpoints/checkpoint.ts';
import { writing } from '../src/checkpoints/failed-write.ts';
import { defineExperiment } from '../src/experiment.ts';
import { train } from '../src/train.ts';
import { stripeSource, tinyNetwork } from './tiny.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-stops-'));
afterAll(() => rmSync(root, { recursive: true }));

const filesOfRun = ['metrics.jsonl', 'model/model.safetensors', 'best/model.safetensors'];

function expectSameRun(directory: string, whole: string): void {
  for (const file of filesOfRun) {
    const [found, expected] = [directory, whole].map((folder) => readFileSync(join(folder, file)));
    expect(found!.equals(expected!), `${file} of ${directory}`).toBe(true);
  }
}

const program = fileURLToPath(new URL('fixtures/train-slowly.ts', import.meta.url));
const node = ['--import', import.meta.resolve('tsx'), '--conditions', '@llr/source'];

/** Trains in a process of its own, and sends a signal when it says that it has got to a step. */
function trainInProcess(directory: string, at?: { step: number; signal: NodeJS.Signals }) {
  const child = spawn(process.execPath, [...node, program, directory, at ? '20' : '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const steps: number[] = [];
  child.stdout.on('data', (text) => {
    steps.push(...String(text).split('\n').filter(Boolean).map(Number));
    if (at && steps.includes(at.step)) child.kill(at.signal);
  });
  return new Promise<{ code: number | null; steps: number[] }>((done) =>
    child.on('close', (code) => done({ code, steps })),
  );
}

describe('a process', () => {
  const whole = join(root, 'whole');
  beforeAll(async () => {
    expect((await trainInProcess(whole)).code).toBe(0);
  });

  it('that is killed again and again comes to the same bytes', async () => {
    const directory = join(root, 'killed');
    for (const step of [1, 4, 5, 10]) {
      const { code } = await trainInProcess(directory, { step, signal: 'SIGKILL' });
      expect(code).toBe(null);
      expect(existsSync(join(directory, 'run.json'))).toBe(false);
    }
    const { code, steps } = await trainInProcess(directory);
    expect(code).toBe(0);
    expect(steps[0]).toBeGreaterThanOrEqual(10);
    expectSameRun(directory, whole);
  });

  it('that is interrupted finishes its step and writes a checkpoint', async () => {
    const directory = join(root, 'interrupted');
    const { code, steps } = await trainInProcess(directory, { step: 3, signal: 'SIGINT' });
    expect(code).toBe(130);
    const last = steps.at(-1)!;
    await readCheckpoint(join(directory, 'checkpoints', `step-${last}`));
    const again = await trainInProcess(directory);
    expect(again.steps[0]).toBe(last + 1);
    expectSameRun(directory, whole);
  });
});

const experiment = defineExperiment({
  name: 'stripes',
  data: { name: 'stripes', open: async () => stripeSource(24) },
  model: ({ seed }) => tinyNetwork(seed),
  threat: { norm: 'linf', epsilon: 0.1 },
  train: { epochs: 2, batchSize: 6, learningRate: 0.05 },
  variants: {
    nominal: {},
    // The logarithm of a negative number from step 6 on.
    diverging: {
      regularizers: [
        {
          name: 'mine',
          penalty: ({ nominal, step }) => mul(nominal.loss, mul(0, log(sub(5.5, step)))),
        },
      ],
    },
  },
});

describe('a training that fails', () => {
  it('by NaN says at which step and learning rate, and which checkpoint is good', async () => {
    const directory = join(root, 'diverging');
    await expect(train(experiment, 'diverging', { directory })).rejects.toThrow(
      /at step 6 .*penalty of mine is NaN.*learning rate was 0\.05\. The last good checkpoint, after step 4, is kept: .*step-4\./,
    );
    expect((await readCheckpoint(join(directory, 'checkpoints', 'step-4'))).content.step).toBe(4);
  });

  it('because a checkpoint can not be written says so, and goes on when that is mended', async () => {
    const [directory, whole] = [join(root, 'unwritable'), join(root, 'written')];
    const checkpoints = join(directory, 'checkpoints');
    const onStep = ({ step }: { step: number }) => {
      if (step !== 6) return;
      renameSync(checkpoints, `${checkpoints}-away`);
      writeFileSync(checkpoints, 'in the way');
    };
    await expect(train(experiment, 'nominal', { directory, onStep })).rejects.toThrow(
      /The checkpoint after step 8 could not be written: writing failed \(\w+: .*\)\. The last good checkpoint, after step 4, is kept.*--resume/,
    );
    rmSync(checkpoints);
    renameSync(`${checkpoints}-away`, checkpoints);
    await train(experiment, 'nominal', { directory, resume: true });
    await train(experiment, 'nominal', { directory: whole });
    for (const file of ['metrics.jsonl', 'model/model.safetensors']) {
      expect(readFileSync(join(directory, file)).equals(readFileSync(join(whole, file)))).toBe(
        true,
      );
    }
  });

  it('because the disk is full says that', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
    });
    const failing = writing('The curve', 'All is well.', () => Promise.reject(full));
    await expect(failing).rejects.toThrow(
      /^The curve could not be written: the disk is full \(ENOSPC: .*\)\. All is well\. When/,
    );
    const other = new Error('of another kind');
    await expect(writing('It', '', () => Promise.reject(other))).rejects.toBe(other);
  });
});
