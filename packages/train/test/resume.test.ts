import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fgsm } from '@llr/attacks';
import { llr, projectedAscent, type SimpleAttack } from '@llr/core';
import { wideResNet } from '@llr/models';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CheckpointOptions, defineExperiment, type Experiment } from '../src/experiment.ts';
import { cosineDecay, stepDecay } from '../src/schedules.ts';
import { type TrainResult, type TrainRunOptions, train } from '../src/train.ts';
import { TrainingStopped } from '../src/training-stopped.ts';
import { stripeSource, tinyNetwork } from './tiny.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-resume-'));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const steps = 8;
const stepsPerEpoch = 4;

const images = stripeSource(36);
const common = {
  seed: 5,
  data: { name: 'stripes', open: async () => images },
  threat: { norm: 'linf', epsilon: 0.1 },
} as const;
const train24 = {
  epochs: 2,
  batchSize: 6,
  examples: 24,
  epsilonRamp: 1,
  validation: { examples: 12, attack: fgsm() },
};
const regularizers = [
  llr({ lambda: 1, mu: 1, maximizer: projectedAscent({ stepSize: 0.1, steps: 2 }) }),
];

/** Batch norm and its running statistics, momentum, weight decay; a line of the curves every second step or so. */
const withBatchNorm = defineExperiment({
  ...common,
  name: 'batch-norm',
  model: ({ inputShape, numClasses, seed }) =>
    wideResNet({ depth: 10, widthFactor: 1, inputShape, numClasses, seed }),
  train: { ...train24, learningRate: stepDecay(0.05, [1]), weightDecay: 1e-3 },
  variants: { LLR: { regularizers } },
});

/** Moments and moving averages. */
const withAdam = defineExperiment({
  ...common,
  name: 'adam',
  model: ({ seed }) => tinyNetwork(seed),
  train: {
    ...train24,
    optimizer: 'adam',
    learningRate: cosineDecay(0.02),
    averaging: { decay: 0.9 },
  },
  variants: { LLR: { regularizers } },
});

const checkpointed = (experiment: Experiment, checkpoints: CheckpointOptions): Experiment => ({
  ...experiment,
  train: { ...experiment.train, checkpoints },
});

type Options = Omit<TrainRunOptions, 'directory'>;

async function trained(experiment: Experiment, directory: string, options: Options = {}) {
  const result = await train(experiment, 'LLR', { directory, ...options });
  (result.model as unknown as { dispose(): void }).dispose();
  return result;
}

/** Trains up to a step, when the signal is given. */
async function stoppedAfter(step: number, experiment: Experiment, directory: string, more = {}) {
  const stop = new AbortController();
  const onStep = (progress: { step: number }) => progress.step === step && stop.abort();
  const options = {
    ...more,
    signal: stop.signal,
    onStep: (at: { step: number }) => void onStep(at),
  };
  const error = await train(experiment, 'LLR', { directory, ...options }).catch((e) => e);
  expect(error).toBeInstanceOf(TrainingStopped);
  return error as TrainingStopped;
}

const filesOfRun = ['metrics.jsonl', 'model/model.safetensors', 'model/config.json'];
const filesOfBest = ['best/model.safetensors', 'best/validation.json'];

function expectSameRun(directory: string, whole: string): void {
  for (const file of [...filesOfRun, ...filesOfBest]) {
    const [found, expected] = [directory, whole].map((folder) => readFileSync(join(folder, file)));
    expect(found!.equals(expected!), `${file} of ${directory}`).toBe(true);
  }
}

const checkpointsIn = (directory: string) => readdirSync(join(directory, 'checkpoints')).sort();

/** Where the run is that was never stopped. */
const wholeRun = ({ name }: Experiment) => join(root, `${name}-whole`);
beforeAll(async () => {
  for (const experiment of [withBatchNorm, withAdam]) {
    await trained(experiment, wholeRun(experiment));
  }
});

describe.each([
  ['SGD and batch norm', withBatchNorm],
  ['Adam', withAdam],
])('a run with %s', (_what, experiment) => {
  const whole = wholeRun(experiment);

  it('comes to the same bytes when stopped after each of its steps', async () => {
    const directory = join(root, `${experiment.name}-each-step`);
    for (let step = 1; step <= steps; step++) {
      const stopped = await stoppedAfter(step, experiment, directory, { resume: true });
      expect(stopped.step).toBe(step);
      expect(stopped.checkpoint).toBe(join(directory, 'checkpoints', `step-${step}`));
    }
    expect(existsSync(join(directory, 'run.json'))).toBe(false);
    const { history } = await trained(experiment, directory, { resume: true });
    expect(history.at(-1)).toMatchObject({ step: steps, epoch: 2 });
    expectSameRun(directory, whole);
  });

  it.each([3, 4])('comes to the same bytes when stopped once, after step %i', async (step) => {
    const directory = join(root, `${experiment.name}-once-${step}`);
    await stoppedAfter(step, experiment, directory);
    await trained(experiment, directory, { resume: true });
    expectSameRun(directory, whole);
  });
});

describe('a run that goes on', () => {
  const half = join(root, 'half');
  const whole = wholeRun(withAdam);
  beforeAll(async () => {
    await stoppedAfter(6, checkpointed(withAdam, { every: 1 }), half);
  });
  const copy = (name: string) => {
    const directory = join(root, name);
    cpSync(half, directory, { recursive: true });
    return directory;
  };

  it('keeps the last three checkpoints', () => {
    expect(checkpointsIn(half)).toEqual(['step-4', 'step-5', 'step-6']);
  });

  it('keeps as many as it is told, and writes them when it is told', async () => {
    const directory = join(root, 'kept');
    const told: string[] = [];
    const onCheckpoint = (folder: string, kind: string) =>
      void told.push(`${kind} ${folder.slice(directory.length + 1)}`);
    const often = checkpointed(withAdam, { every: 3, keep: 2 });
    await trained(often, directory, { callbacks: [{ onCheckpoint }] });
    expect(told.filter((line) => line.startsWith('step'))).toEqual(
      [3, 4, 6, 8].map((step) => `step checkpoints/step-${step}`),
    );
    expect(told).toContain('best best');
    expect(checkpointsIn(directory)).toEqual(['step-6', 'step-8']);
    expectSameRun(directory, whole);
  });

  it.each([{ every: 0 }, { keep: 0 }, { keep: 1.5 }])('refuses %o', async (checkpoints) => {
    const directory = join(root, 'refused');
    await expect(trained(checkpointed(withAdam, checkpoints), directory)).rejects.toThrow(
      /checkpoints\.(every|keep) must be a whole number from 1/,
    );
  });

  it('cuts off what the curves had after the checkpoint, and clears away halves', async () => {
    const directory = copy('after-kill');
    // As a kill leaves it: later lines, and one of them torn; folders half written.
    appendFileSync(join(directory, 'metrics.jsonl'), '{"step":7,"epoch":1.75}\n{"step":8,"ep');
    mkdirSync(join(directory, 'checkpoints', 'step-7.abc.tmp'));
    mkdirSync(join(directory, 'best.abc.tmp'));
    await trained(withAdam, directory, { resume: true });
    expectSameRun(directory, whole);
    expect(checkpointsIn(directory)).toEqual(['step-5', 'step-6', 'step-8']);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('goes on from the checkpoint before a damaged one, with a warning', async () => {
    const directory = copy('damaged-newest');
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    rmSync(join(directory, 'checkpoints', 'step-6', 'state.safetensors'));
    const first: number[] = [];
    await trained(withAdam, directory, {
      resume: true,
      callbacks: [{ onStart: ({ step }) => void first.push(step) }],
    });
    expect(first).toEqual([5]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]![0]).toMatch(/step-6 is damaged: .*Going on from .*step-5 instead/);
    expectSameRun(directory, whole);
    expect(checkpointsIn(directory)).toContain('step-6.damaged');
  });

  it('says so when all checkpoints are damaged', async () => {
    const directory = copy('all-damaged');
    for (const name of checkpointsIn(directory)) {
      rmSync(join(directory, 'checkpoints', name, 'checkpoint.json'));
    }
    await expect(trained(withAdam, directory, { resume: true })).rejects.toThrow(
      /step-6 is damaged.*step-5 is damaged.*step-4 is damaged.*no other one.*--restart/s,
    );
  });

  it('must have the curves it had', async () => {
    const directory = copy('no-curves');
    rmSync(join(directory, 'metrics.jsonl'));
    await expect(trained(withAdam, directory, { resume: true })).rejects.toThrow(
      /metrics\.jsonl is not what it was at the checkpoint/,
    );
  });

  it('is not overwritten unless that is asked for', async () => {
    const directory = copy('not-overwritten');
    await expect(trained(withAdam, directory)).rejects.toThrow(
      /unfinished run, with a checkpoint after step 6.*--resume.*resume: true.*--restart.*resume: false/,
    );
    expect(checkpointsIn(directory)).toEqual(checkpointsIn(half));
    await trained(withAdam, directory, { resume: false });
    expectSameRun(directory, whole);
  });

  it.each<[string, Partial<Experiment>, RegExp]>([
    ['seed', { seed: 6 }, /other settings.*: seed was 5 and is 6; .*\. Put/],
    ['ε', { threat: { norm: 'linf', epsilon: 0.2 } }, /threat\.epsilon was 0\.1 and is 0\.2\./],
    [
      'batch size and rate',
      { train: { ...withAdam.train, batchSize: 8, learningRate: 0.1 } },
      /train\.batchSize was 6 and is 8; train\.learningRate was schedule [0-9a-f]{16} and is 0\.1\./,
    ],
    [
      'schedule',
      { train: { ...withAdam.train, learningRate: cosineDecay(0.03) } },
      /: train\.learningRate was schedule \w+ and is schedule \w+\. Put/,
    ],
    ['images', { train: { ...withAdam.train, examples: 18 } }, /training\.size was 24 and is 18/],
    [
      'regulariser',
      { variants: { LLR: { regularizers: [llr({ lambda: 2, mu: 1 })] } } },
      /regularizers\.0\.settings\.lambda was 1 and is 2/,
    ],
    ['network', { model: withBatchNorm.model }, /model\.config\.architecture was small/],
  ])('must have the same %s', async (what, changes, message) => {
    const directory = copy(`other ${what}`);
    const before = readFileSync(join(directory, 'metrics.jsonl'));
    await expect(trained({ ...withAdam, ...changes }, directory, { resume: true })).rejects.toThrow(
      message,
    );
    expect(readFileSync(join(directory, 'metrics.jsonl')).equals(before)).toBe(true);
    expect(checkpointsIn(directory)).toEqual(checkpointsIn(half));
  });

  it('warns where the engine is another one', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    await trained(withAdam, copy('other engine'), { resume: true, engine: 'another' });
    expect(warn.mock.calls[0]![0]).toMatch(/trained on \w+ up to step 6 and goes on on another/);
  });

  it('is given back as it is once it has finished', async () => {
    const before = memory().numTensors;
    const onStep = vi.fn();
    const { run, history } = await trained(withAdam, whole, { resume: true, onStep });
    expect(onStep).not.toHaveBeenCalled();
    expect(run).toEqual(JSON.parse(readFileSync(join(whole, 'run.json'), 'utf8')));
    expect(history.at(-1)!.step).toBe(steps);
    expect(memory().numTensors).toBe(before);
    await expect(trained({ ...withAdam, seed: 6 }, whole, { resume: true })).rejects.toThrow(
      /seed was 5 and is 6/,
    );
  });

  it('gives back the averages that it saved', async () => {
    const directory = join(root, 'averages');
    const values = ({ model }: TrainResult) =>
      model.parameters.map(({ variable }) => Array.from(variable.dataSync()));
    const first = await train(withAdam, 'LLR', { directory });
    const again = await train(withAdam, 'LLR', { directory, resume: true });
    expect(values(first)).toEqual(values(again));
    const plain = await train(
      { ...withAdam, train: { ...withAdam.train, averaging: { decay: 0 } } },
      'LLR',
      { directory: join(root, 'no averages') },
    );
    expect(values(first)).not.toEqual(values(plain));
  });

  it('begins where there is nothing to go on from', async () => {
    const directory = join(root, 'nothing');
    await trained(withAdam, directory, { resume: true });
    expectSameRun(directory, whole);
  });
});

describe('the signal', () => {
  it('stops before the first step when it was given before', async () => {
    const directory = join(root, 'at-once');
    const error = await train(withAdam, 'LLR', { directory, signal: AbortSignal.abort() }).catch(
      (e) => e,
    );
    expect(error).toBeInstanceOf(TrainingStopped);
    expect(error).toMatchObject({ step: 0, checkpoint: undefined });
  });

  it('stops between the last step of an epoch and its validation', async () => {
    const directory = join(root, 'before-validation');
    const error = await stoppedAfter(stepsPerEpoch, withAdam, directory);
    expect(error.message).toMatch(/after step 4 of 8\. .*step-4 holds everything.*--resume/);
    const lines = readFileSync(join(directory, 'metrics.jsonl'), 'utf8');
    expect(lines).not.toContain('validation');
  });

  it('stops a validation, which is made again', async () => {
    const directory = join(root, 'in-validation');
    const stop = new AbortController();
    const attack = fgsm() as SimpleAttack;
    const stopping: SimpleAttack = {
      ...attack,
      perturb: (problem) => {
        stop.abort();
        return attack.perturb(problem);
      },
    };
    const train12 = { ...withAdam.train, validation: { examples: 12, attack: stopping } };
    const error = await train({ ...withAdam, train: train12 }, 'LLR', {
      directory,
      signal: stop.signal,
    }).catch((e) => e);
    expect(error).toMatchObject({ name: 'TrainingStopped', step: stepsPerEpoch });
    await trained(withAdam, directory, { resume: true });
    expectSameRun(directory, wholeRun(withAdam));
  });
});
