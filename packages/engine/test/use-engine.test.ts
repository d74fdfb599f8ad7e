import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { getBackend } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { installedVersion } from '../src/node/installed-packages.ts';
import { describeEngine, engineNames, useEngine } from '../src/node.ts';

afterEach(async () => {
  vi.unstubAllEnvs();
  await useEngine();
});

const missing = engineNames.find(
  (name) => name.startsWith('tfjs-node') && installedVersion(`@tensorflow/${name}`) === undefined,
);

describe('useEngine', () => {
  test('takes the engine asked for', async () => {
    const inUse = await useEngine({ prefer: 'cpu' });
    expect(inUse).toMatchObject({ name: 'cpu', backend: 'cpu', skipped: [] });
    expect(inUse.version).toMatch(/^4\.\d+\.\d+$/);
    expect(getBackend()).toBe('cpu');
    expect((await useEngine({ prefer: 'wasm' })).name).toBe('wasm');
    expect(getBackend()).toBe('wasm');
  });

  test('takes the one named by LLR_ENGINE, unless told otherwise', async () => {
    vi.stubEnv('LLR_ENGINE', 'cpu');
    expect((await useEngine()).name).toBe('cpu');
    expect((await useEngine({ prefer: 'wasm' })).name).toBe('wasm');
  });

  test('an unknown LLR_ENGINE is an error that lists the engines', async () => {
    vi.stubEnv('LLR_ENGINE', 'cuda');
    await expect(useEngine()).rejects.toThrow(
      'LLR_ENGINE is "cuda", which is no engine. Choose one of tensorflow-gpu, tfjs-node-gpu, tensorflow, tfjs-node, wasm, cpu.',
    );
  });

  test.skipIf(!missing)('an engine that is not installed is an error that names it', async () => {
    await expect(useEngine({ prefer: missing! })).rejects.toThrow(
      `The engine ${missing} can't be used: not installed: npm install @tensorflow/${missing}.`,
    );
  });

  test('without a preference takes the fastest that loads, and says what kept the others back', async () => {
    vi.stubEnv('LLR_ENGINE', '');
    const { name, skipped } = await useEngine();
    expect(engineNames.slice(0, engineNames.indexOf(name))).toEqual(
      skipped.map((other) => other.name),
    );
    for (const { reason } of skipped) expect(reason).not.toBe('');
  });

  test('leaves no crash listeners behind', () => {
    const program = `
      import { useEngine } from '@llr/engine/node';
      const { name } = await useEngine({ prefer: 'wasm' });
      const count = (event) => process.listenerCount(event);
      console.log(name, count('uncaughtException'), count('unhandledRejection'));`;
    const output = execFileSync(
      process.execPath,
      ['-C', '@llr/source', '--import', 'tsx', '--input-type=module', '-e', program],
      { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' },
    );
    expect(output.trim().split('\n').at(-1)).toBe('wasm 0 0');
  });
});

describe('describeEngine', () => {
  test('tells of every engine, the one in use, and how to get the others', async () => {
    const { engines } = await describeEngine('cpu');
    expect(engines.map(({ name }) => name)).toEqual(engineNames);
    expect(engines.filter(({ taken }) => taken)).toMatchObject([{ name: 'cpu', reason: 'in use' }]);
    for (const { version, name, reason, ...rest } of engines) {
      if (version !== undefined) expect(rest).not.toHaveProperty('install');
      if (name !== 'cpu') expect(reason).toBe('not tried: cpu was asked for');
    }
  });

  test('without a preference, those after the one taken were not tried', async () => {
    vi.stubEnv('LLR_ENGINE', '');
    vi.stubEnv('LLR_CACHE', '/nowhere');
    const { engines } = await describeEngine();
    const taken = engines.findIndex((engine) => engine.taken);
    for (const { reason } of engines.slice(taken + 1)) expect(reason).toMatch(/a faster one loads/);
    expect(engines[0]).toMatchObject({ name: 'tensorflow-gpu', taken: false });
  });

  test('an engine that is not there is no error, but told', async () => {
    vi.stubEnv('LLR_CACHE', '/nowhere');
    const { engines } = await describeEngine('tensorflow-gpu');
    expect(engines.filter(({ taken }) => taken)).toEqual([]);
    expect(engines[0]!.reason).toMatch(/not installed|needs/);
  });
});
