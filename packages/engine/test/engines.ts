import { beforeAll, describe, test } from 'vitest';
import { requires } from '../../../tools/requires.ts';
import { describeEngine, type EngineName, useEngine } from '../src/node.ts';

const installed = (await describeEngine()).engines
  .filter(({ version }) => version !== undefined)
  .map(({ name }) => name);

const chosen = process.env.LLR_ENGINE as EngineName;
const onProcessor: EngineName[] = installed.filter(
  (name) => name === 'tensorflow' || name === 'tfjs-node',
);

/** The TensorFlow to test on, of which a process can load one: LLR_ENGINE, else the first that is installed. */
export const tensorFlow = onProcessor.includes(chosen) ? chosen : onProcessor[0];

/** The engines a gradient is tested on. */
export const engines: readonly EngineName[] = ['wasm', 'cpu', ...(tensorFlow ? [tensorFlow] : [])];

/** Where there is no TensorFlow: one test, skipped in the place of all those on it. */
export function onTensorFlowIfAny(): void {
  if (!tensorFlow) test('on TensorFlow', ({ skip }) => void requires('tensorflow', skip));
}

/** Tests of what only TensorFlow has, on whichever there is. */
export function onTensorFlow(tests: () => void): void {
  onTensorFlowIfAny();
  if (!tensorFlow) return;
  describe('on TensorFlow', () => {
    beforeAll(async () => {
      await useEngine({ prefer: tensorFlow });
    });
    tests();
  });
}
