import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fgsm } from '@llr/attacks';
import { afterAll, describe, expect, it } from 'vitest';
import { defineExperiment } from '../src/experiment.ts';
import type { World } from '../src/parallel/world.ts';
import { train } from '../src/train.ts';
import { TrainingStopped } from '../src/training-stopped.ts';
import { memoryWorlds, onAll } from './memory-worlds.ts';
import { stripeSource, tinyNetwork } from './tiny.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-together-'));
afterAll(() => rmSync(root, { recursive: true }));

/** @param attacked - called before the images of a validation are attacked */
const experiment = (attacked = () => {}) => {
  const attack = fgsm();
  return defineExperiment({
    name: 'together',
    seed: 2,
    data: { name: 'stripes', open: async () => stripeSource(60) },
    model: ({ seed }) => tinyNetwork(seed),
    threat: { norm: 'linf', epsilon: 0.1 },
    train: {
      epochs: 2,
      batchSize: 12,
      examples: 48,
      learningRate: 0.05,
      averaging: { decay: 0.9 },
      validation: {
        examples: 11,
        attack: {
          ...attack,
          perturb: (problem) => {
            attacked();
            return attack.perturb(problem);
          },
        },
      },
    },
    variants: { nominal: {} },
  });
};

/** A folder of rank 0's, and one of another machine's disk. */
const folderOf = (name: string, { rank }: World) =>
  join(root, rank === 0 ? name : `${name}-${rank}`);

const trainIn = (name: string, worlds: readonly World[], resume?: boolean) =>
  onAll(worlds, (world) =>
    train(experiment(), 'nominal', {
      directory: folderOf(name, world),
      world,
      ...(resume && { resume }),
    }),
  );

describe('processes that train together', () => {
  it('all have what rank 0 alone has written', async () => {
    const seen = await trainIn('all', memoryWorlds(3));
    const results = seen.map((each) => {
      if (each.status === 'rejected') throw each.reason;
      return each.value;
    });
    const weights = results.map(({ model }) =>
      model.parameters.map(({ variable }) => Array.from(variable.dataSync())),
    );
    for (const [rank, { history, run }] of results.entries()) {
      expect(weights[rank]).toEqual(weights[0]);
      expect(history).toEqual(results[0]!.history);
      expect(run.processes).toBe(3);
    }
    const lines = readFileSync(join(root, 'all', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(results[0]!.history);
    expect(existsSync(join(root, 'all-1'))).toBe(false);
  });

  it('validate what one process does, image by image', async () => {
    await trainIn('shared', memoryWorlds(2));
    await train(
      { ...experiment(), train: { ...experiment().train, microBatchSize: 6 } },
      'nominal',
      { directory: join(root, 'one') },
    );
    const [shared, one] = ['shared', 'one'].map((name) =>
      readFileSync(join(root, name, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number>),
    );
    expect(shared!.map((line) => Object.keys(line))).toEqual(one!.map((line) => Object.keys(line)));
    expect(shared!.filter((line) => 'validation accuracy' in line)).toHaveLength(2);
    for (const [i, line] of one!.entries()) {
      for (const [name, value] of Object.entries(line))
        expect(shared![i]![name], name).toBeCloseTo(value, 5);
    }
  });

  it('stop where one is stopped while it validates, and go on to the same bytes', async () => {
    const stop = new AbortController();
    const outcomes = await onAll(memoryWorlds(2), (world) =>
      train(world.rank === 1 ? experiment(() => stop.abort()) : experiment(), 'nominal', {
        directory: folderOf('stopped', world),
        world,
        ...(world.rank === 1 && { signal: stop.signal }),
      }),
    );
    for (const outcome of outcomes) {
      const error = outcome.status === 'rejected' ? outcome.reason : undefined;
      expect(error).toBeInstanceOf(TrainingStopped);
      expect((error as TrainingStopped).step).toBe(4);
    }
    await trainIn('stopped', memoryWorlds(2), true);
    await trainIn('whole', memoryWorlds(2));
    for (const file of ['metrics.jsonl', 'model/model.safetensors', 'best/model.safetensors']) {
      const [found, expected] = ['stopped', 'whole'].map((name) =>
        readFileSync(join(root, name, file)),
      );
      expect(found!.equals(expected!), file).toBe(true);
    }
  });
});
