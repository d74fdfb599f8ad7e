import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { asRoot, type Mpi, run, startArguments } from '../../../tools/mpi/mpirun.ts';
import { requires } from '../../../tools/requires.ts';
import { readCheckpoint } from '../src/checkpoints/checkpoint.ts';
import { newestCheckpoint } from '../src/checkpoints/checkpoint-folders.ts';
import type { Together } from './fixtures/train-together.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-mpirun-'));
afterAll(() => rmSync(root, { recursive: true }));

const steps = fileURLToPath(new URL('fixtures/parallel-steps.ts', import.meta.url));
const together = fileURLToPath(new URL('fixtures/train-together.ts', import.meta.url));
/** A program of the fixtures, as a command. */
const node = (program: string, ...args: string[]) => [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  '--conditions',
  '@llr/source',
  program,
  ...args,
];
const training = (folder: string, options: Together = {}) =>
  node(together, join(root, folder), JSON.stringify(options));

/** What a process says of each batch that it takes. */
interface Taken {
  rank: number;
  pid: number;
  epoch: number;
  batch: number;
  indices: number[];
}

const takenIn = (stdout: string): Taken[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

/** All images in the order in which they were trained on, however many ranks shared them. */
const orderOf = (taken: readonly Taken[]) =>
  [...taken]
    .sort((a, b) => a.epoch - b.epoch || a.batch - b.batch || a.rank - b.rank)
    .flatMap(({ indices }) => indices);

/** Seconds: enough for a step on a machine that is busy with others. */
const timeout = 15;

/** Trains, and sends a signal to the rank that says it has got to the second batch of the second epoch. */
function signalled(
  mpirun: string,
  mpi: Mpi,
  command: readonly string[],
  { rank, signal }: { rank: number; signal: NodeJS.Signals },
): Promise<{ code: number | null; stderr: string; stdout: string; seconds: number }> {
  const child = spawn(mpirun, [...startArguments(mpi, 2), ...command], {
    env: { ...process.env, ...asRoot, LLR_MPI_TIMEOUT: `${timeout}` },
  });
  const said = { stdout: '', stderr: '' };
  let sent = 0;
  child.stderr.on('data', (text) => {
    said.stderr += text;
  });
  child.stdout.on('data', (text) => {
    said.stdout += text;
    const at = takenIn(said.stdout.slice(0, said.stdout.lastIndexOf('\n') + 1)).find(
      (taken) => taken.rank === rank && taken.epoch === 1 && taken.batch === 1,
    );
    if (!at || sent > 0) return;
    sent = performance.now();
    process.kill(at.pid, signal);
  });
  return new Promise((done) =>
    child.on('close', (code) =>
      done({ code, ...said, seconds: (performance.now() - sent) / 1000 }),
    ),
  );
}

interface Steps {
  metrics: Record<string, number>[];
  state: [name: string, values: number[]][];
}

const mpis: readonly [string, Mpi][] = [
  ['Open MPI', 'openmpi'],
  ['MPICH', 'mpich'],
];

describe.each(mpis)('under the mpirun of %s', (_, mpi) => {
  it('the steps of two ranks are those of two micro-batches', async ({ skip }) => {
    const mpirun = requires(mpi, skip);
    const [shared, one] = [join(root, `${mpi}-steps.json`), join(root, `${mpi}-one.json`)];
    const outcomes = await Promise.all([
      run(mpirun, [...startArguments(mpi, 2), ...node(steps, shared, '6', '3')]),
      run(process.execPath, node(steps, one, '6', '3').slice(1), { PARTS: '2' }),
    ]);
    expect(outcomes.map(({ code, stderr }) => (code === 0 ? 'fine' : stderr))).toEqual([
      'fine',
      'fine',
    ]);
    const [found, expected] = [shared, one].map(
      (file) => JSON.parse(readFileSync(file, 'utf8')) as Steps,
    );
    for (const [i, [name, values]] of expected!.state.entries()) {
      for (const [k, value] of values.entries())
        expect(Math.abs(found!.state[i]![1][k]! - value), name).toBeLessThan(1e-5);
    }
    expect(found!.metrics[2]!.objective).toBeCloseTo(expected!.metrics[2]!.objective!, 5);
  });

  it('Ctrl-C on one rank saves and stops all, and three go on where two were', async ({ skip }) => {
    const mpirun = requires(mpi, skip);
    const folder = `${mpi}-stopped`;
    const slow = training(folder, { pause: 100 });
    const stopped = await signalled(mpirun, mpi, slow, { rank: 1, signal: 'SIGINT' });
    expect([stopped.code, stopped.stderr]).toEqual([
      130,
      expect.stringMatching(/Training stopped after step \d+ of 12\..*step-\d+ holds everything/),
    ]);
    const step = Number(/after step (\d+)/.exec(stopped.stderr)?.[1]);
    const { content } = await readCheckpoint(join(root, folder, 'checkpoints', `step-${step}`));
    expect([content.step, content.processes]).toEqual([step, 2]);

    const again = [...startArguments(mpi, 3), ...training(folder, { resume: true })];
    const [went, whole] = await Promise.all([
      run(mpirun, again),
      run(process.execPath, training(`${mpi}-whole`).slice(1)),
    ]);
    expect([went.code, went.stderr]).toEqual([0, expect.stringMatching(/by 2 .*goes on with 3/)]);
    const before = orderOf(takenIn(stopped.stdout)).slice(0, step * 12);
    const after = orderOf(takenIn(went.stdout));
    expect([...before, ...after]).toEqual(orderOf(takenIn(whole.stdout)));
    const run3 = JSON.parse(readFileSync(join(root, folder, 'run.json'), 'utf8'));
    expect(run3.processes).toBe(3);
  });

  it('a rank that is killed ends all, is named, and leaves a good checkpoint', async ({ skip }) => {
    const mpirun = requires(mpi, skip);
    const folder = `${mpi}-killed`;
    const slow = training(folder, { pause: 100 });
    const { code, stderr, stdout, seconds } = await signalled(mpirun, mpi, slow, {
      rank: 1,
      signal: 'SIGKILL',
    });
    expect(code).not.toBe(0);
    expect(seconds).toBeLessThan(60);
    // MPICH says so on stdout, and may name the process that it killed after the one that died.
    expect(stdout + stderr).toMatch(mpi === 'openmpi' ? /rank 1 .*signal 9/ : /signal 9/);
    const damaged = (warning: string) => {
      throw new Error(warning);
    };
    const newest = await newestCheckpoint(join(root, folder, 'checkpoints'), damaged);
    expect(newest?.content.step).toBeGreaterThanOrEqual(4);
  });

  it.for([0, 1])('rank %i that hangs is given up after the time-out', async (rank, { skip }) => {
    const mpirun = requires(mpi, skip);
    const folder = `${mpi}-hanging-${rank}`;
    const slow = training(folder, { pause: 100 });
    const { code, stderr, seconds } = await signalled(mpirun, mpi, slow, {
      rank,
      signal: 'SIGSTOP',
    });
    expect(code).not.toBe(0);
    expect(seconds).toBeGreaterThan(timeout - 2);
    expect(seconds).toBeLessThan(60);
    expect(stderr).toMatch(
      new RegExp(`llr: No sign of life from rank ${rank} of 2 on .*, for ${timeout} s`),
    );
    expect(stderr).toMatch(/The last good checkpoint, after step \d+, is kept/);
  });
});

describe('under mpirun', () => {
  const failing = async (mpirun: string, folder: string, options: Together) =>
    run(mpirun, [...startArguments('openmpi', 2), ...training(folder, options)]);

  it('ranks that differ are refused, and nothing is written', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const otherRate = { rank: 1, rate: 0.1 };
    const { code, stderr } = await failing(mpirun, 'differing', { otherRate });
    expect(code).toBe(1);
    expect(stderr).toMatch(/rank 1 of 2 on \S+: train.learningRate is 0.1, and 0.05 on rank 0/);
    expect(() => readFileSync(join(root, 'differing'))).toThrow(/ENOENT/);
  });

  it('what fails on another rank is said, with the rank and the checkpoint', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const broken = { rank: 1, batch: 1, how: 'images' } as const;
    const { code, stderr } = await failing(mpirun, 'failing', { broken });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(
      /llr: rank 1 of 2 on \S+: image 7 is damaged\. The last good checkpoint, after step \d+/,
    );
  });

  it('weights that have come apart are found out at the checkpoint', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const broken = { rank: 1, batch: 1, how: 'weights' } as const;
    const { code, stderr } = await failing(mpirun, 'apart', { broken });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /The weights of rank 1 of 2 on \S+ \(conv-1\/filter\) are not those of rank 0.* checkpoint, after step \d+, is kept/,
    );
  });

  it('a batch that can not be shared out is refused', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const { code, stderr } = await failing(mpirun, 'odd', { batchSize: 11 });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Batches of 11 images can't be shared out evenly among 2 .* such as 12/);
  });

  it('one rank leaves the same bytes as no mpirun', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const outcomes = await Promise.all([
      run(mpirun, [...startArguments('openmpi', 1), ...training('one-rank')]),
      run(process.execPath, training('no-mpirun').slice(1)),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    for (const file of ['metrics.jsonl', 'model/model.safetensors', 'best/model.safetensors']) {
      const [found, expected] = ['one-rank', 'no-mpirun'].map((folder) =>
        readFileSync(join(root, folder, file)),
      );
      expect(found!.equals(expected!), file).toBe(true);
    }
  });
});
