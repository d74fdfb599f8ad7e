import { stat } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fill, variable } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { loadWeights, saveWeights } from '../src/index.ts';
import { weightsFolder } from './weights-folder.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const megabyte = 2 ** 20;
const tensorSize = 4 * megabyte;
/** What may be in use: some tensors on their way, and what V8 hasn't swept yet, but far from a second copy. */
const few = 8 * tensorSize;
/** Sixteen tensors: 64 MB. On wasm, none of them is in JavaScript's memory. */
const model = () => ({
  name: 'large',
  parameters: Array.from({ length: 16 }, (_, i) => ({
    name: `layer-${i}/weights`,
    variable: variable(fill([1024, tensorSize / 4 / 1024], 1)),
    decay: true,
  })),
});

const { file } = weightsFolder();

/** How much more array memory is in use at most, looked at when each variable has its turn. */
async function mostMemory(
  { parameters }: ReturnType<typeof model>,
  method: 'data' | 'assign',
  run: () => Promise<void>,
): Promise<number> {
  const inUse = () => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const before = inUse();
  const used: number[] = [];
  for (const { variable } of parameters) {
    // No spy, which would keep what passes through it.
    const original = variable[method].bind(variable) as (...args: unknown[]) => unknown;
    const measured = (...args: unknown[]) => {
      used.push(inUse() - before);
      return original(...args);
    };
    Object.assign(variable, { [method]: measured });
  }
  await run();
  expect(used).toHaveLength(parameters.length);
  return Math.max(...used);
}

it('a file is written and read without a second copy in memory', async () => {
  const [saved, loaded] = [model(), model()];
  expect(await mostMemory(saved, 'data', () => saveWeights(saved, file))).toBeLessThan(few);
  expect((await stat(file)).size).toBeGreaterThan(16 * tensorSize);
  expect(await mostMemory(loaded, 'assign', () => loadWeights(loaded, file))).toBeLessThan(few);
  for (const { variable } of [...saved.parameters, ...loaded.parameters]) variable.dispose();
});
