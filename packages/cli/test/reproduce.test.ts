import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Reproduction } from '../src/reproduce/reproduction.ts';
import { llrHere } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-reproduce-'));
afterAll(() => rmSync(root, { recursive: true }));

/** The miniature, made much smaller. */
const tiny = (directory: string, ...args: string[]): string[] => [
  'reproduce',
  ...args,
  '--scale',
  'mini',
  '--out',
  join(root, directory),
  '--examples',
  '8',
  ...[
    'train.examples=64',
    'train.epochs=1',
    'train.batchSize=32',
    'train.learningRate=0.02',
    'train.validation.examples=8',
    'model.channels=[4, 4]',
    'model.hidden=8',
    'evaluation.attacks.0.steps=2',
  ].flatMap((setting) => ['--set', setting]),
];

describe('llr reproduce', () => {
  it('makes a table: trains, attacks, and writes numbers and claims', async () => {
    const { code, stdout, stderr } = await llrHere(tiny('f4', 'table-f4'));
    expect(stderr).toMatch(/to be trained[\s\S]*In all /);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/\| LLR-2 \| 90\.46 % \| .* \| 46\.47 % \| .* \| 44\.50 % \|/);
    expect(stdout).toContain(
      'LLR with two steps is more robust than ADV with two | F.4, Table F4 |',
    );
    const found = JSON.parse(readFileSync(join(root, 'f4/table-f4.json'), 'utf8')) as Reproduction;
    expect(found.rows.map(({ label }) => label)).toEqual(['ADV-1', 'ADV-2', 'LLR-1', 'LLR-2']);
    for (const { cells } of found.rows) {
      for (const { paper, ours, difference } of cells) {
        expect(difference).toBeCloseTo(100 * ours.value - paper, 10);
        expect(ours.total).toBe(8);
      }
    }
    expect(readFileSync(join(root, 'f4/table-f4.md'), 'utf8').trim()).toBe(stdout.trim());
  });

  it('takes what is there, for other tables too', async () => {
    const network = join(root, 'f4/networks/cifar10-wrn-28-10-adv-steps-ADV-1');
    const files = ['run.json', 'evaluation.json'].map((name) => join(network, name));
    const before = files.map((file) => statSync(file).mtimeMs);
    const { code, stdout, stderr } = await llrHere(tiny('f4', 'table-f4', '--json'));
    expect(code, stderr).toBe(0);
    const [found] = JSON.parse(stdout) as Reproduction[];
    expect(found!.rows).toHaveLength(4);
    expect(files.map((file) => statSync(file).mtimeMs)).toEqual(before);
  });

  it('says what all will take, and trains nothing', async () => {
    const { code, stdout, stderr } = await llrHere(tiny('plan', 'table-f4', '--plan'));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/cifar10-wrn-28-10-adv-steps-ADV-2 +│ +to be trained/);
    expect(stdout).toMatch(/table-f4 +│ +4 /);
    expect(stdout).toMatch(/In all .* on wasm/);
    expect(existsSync(join(root, 'plan'))).toBe(false);
  });

  it('refuses what is no table', async () => {
    const { code, stderr } = await llrHere(['reproduce', 'table-9']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/table-a1.*table-f4.*all/);
  });
});
