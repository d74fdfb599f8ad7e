import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { presets } from '@llr/train';
import { afterAll, describe, expect, it } from 'vitest';
import { llrHere, stripesConfig } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-presets-'));
afterAll(() => rmSync(root, { recursive: true }));
const train = (...args: string[]) => llrHere(['train', ...args]);

describe('train, of presets', () => {
  it('lists them, for people and for machines', async () => {
    const { code, stdout } = await train('--list-presets');
    expect(code).toBe(0);
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2}/)[0]);
    expect(names).toEqual(Object.keys(presets));
    const listed = JSON.parse((await train('--list-presets', '--json')).stdout);
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(names);
  });

  it('prints one with the places in the paper, and what the command line changes', async () => {
    const name = 'cifar10-wrn-28-8-llr';
    const { code, stdout } = await train(
      ...['--preset', name, '--print', '--seed', '7'],
      ...['--set', 'train.batchSize=64', '--set', 'train.epochs=3'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/epsilonRamp: 15 # .*F\.2/);
    expect(stdout).toMatch(/batchSize: 64 # set here/);
    expect(stdout).toMatch(/epochs: 3 # set here/);
    expect(stdout).toMatch(/seed: 7/);
  });

  it('prints what it takes as a config', async () => {
    const { stdout } = await train(
      '--preset',
      'cifar10-wrn-28-8-llr',
      '--scale',
      'mini',
      '--print',
    );
    const file = join(root, 'mine.yaml');
    writeFileSync(file, stdout);
    const out = join(root, 'runs');
    const changes = ['train.batchSize=16', 'train.examples=64', 'train.validation.examples=32'];
    const settings = changes.flatMap((change) => ['--set', change]);
    const { code, stdout: plan, stderr } = await train(file, '--plan', '--out', out, ...settings);
    expect([code, stderr]).toEqual([0, expect.stringContaining('Measuring')]);
    expect(plan).toContain('steps were run');
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ['--print without a preset', ['--print'], /--print shows a preset/],
    ['a scale of no preset', [stripesConfig, '--scale', 'mini'], /--scale is of presets/],
    ['a value of no field', [stripesConfig, '--set', 'train.batchsize=3'], /train.*batchSize/],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await train(...args, '--out', join(root, 'none'));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(join(root, 'none'))).toBe(false);
  });
});
