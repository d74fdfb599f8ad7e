import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { llr, llrHere, nanConfig } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-bad-'));
const out = join(root, 'runs');
const truncated = join(root, 'cifar');
const notAnExperiment = join(root, 'empty.config.ts');
beforeAll(() => {
  vi.stubEnv('LLR_CACHE', join(root, 'no-cache'));
  mkdirSync(truncated);
  writeFileSync(join(truncated, 'test_batch.bin'), new Uint8Array(3073 * 10_000 - 100));
  writeFileSync(notAnExperiment, 'export const nothing = 1;\n');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const quickStart = ['train', '--preset', 'quick-start', '--out', out];

describe('one clear sentence, an exit code, and nothing half-written', () => {
  it.each([
    [
      'a wrong data folder',
      [...quickStart, '--data', 'cifar10:no/such/folder'],
      1,
      /no\/such\/folder/,
    ],
    [
      'a truncated CIFAR file',
      [...quickStart, '--data', `cifar10:${truncated}`],
      1,
      /test_batch\.bin/,
    ],
    ['unknown data', [...quickStart, '--data', 'mnist'], 1, /mnist.*fashion-mnist/],
    [
      'an unknown preset',
      ['train', '--preset', 'quickstart'],
      1,
      /no preset "quickstart".*quick-start/,
    ],
    [
      'an unknown option',
      [...quickStart, '--learning-rate', '1'],
      2,
      /unknown option '--learning-rate'/,
    ],
    ['an ε in grey levels', [...quickStart, '--epsilon', '8'], 1, /\[0, 1\].*8 \/ 255/],
    ['an ε that is no number', [...quickStart, '--epsilon', 'big'], 2, /0\.1 or 8\/255/],
    ['an unknown engine', [...quickStart, '--engine', 'abacus'], 2, /abacus.*wasm/],
    [
      'an engine that is not installed',
      [...quickStart, '--engine', 'tensorflow-gpu'],
      1,
      /tensorflow-gpu can't be used: (not installed: llr engine install --gpu|needs )/,
    ],
    ['half a thread', [...quickStart, '--threads', '0.5'], 2, /whole number, 1 or more/],
    [
      'a wheel that is not there',
      ['engine', 'install', '--wheel', 'no/such.whl'],
      1,
      /no\/such\.whl/,
    ],
    ['no config', ['train', join(root, 'none.config.ts')], 1, /no config file/],
    [
      'a config without an experiment',
      ['train', notAnExperiment],
      1,
      /no default export|not valid/,
    ],
    ['a run that is none', ['eval', root], 1, /holds no finished run/],
    ['an unknown attack', ['eval', root, '--attacks', 'tickle'], 2, /no attack "tickle".*fgsm/],
    ['a report on nothing', ['report', join(root, 'nowhere')], 1, /holds no finished run/],
  ])('%s', async (_what, args, code, message) => {
    const result = await llrHere(args);
    const lines = result.stderr
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('Engine: '));
    expect(result.code).toBe(code);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^llr: /);
    expect(lines[0]).toMatch(message);
    expect(result.stdout).toBe('');
    expect(existsSync(out)).toBe(false);
  });

  it('a plugin that returns NaN', async () => {
    const folder = join(root, 'nan');
    const { code, stderr } = await llr(['train', nanConfig, '--out', folder]);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^llr: Training stopped at step 0 .*penalty of mine is NaN/,
    );
    expect(readdirSync(join(folder, 'mine'))).toEqual([]);
  });
});

describe('help', () => {
  it.each(['train', 'eval', 'report', 'engine', 'doctor'])(
    'llr %s --help has examples',
    async (command) => {
      const { code, stdout } = await llrHere([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples:\\n  \\$ (LLR_ENGINE=cpu )?llr ${command}`));
    },
  );
});
