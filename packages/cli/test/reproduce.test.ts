import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Reproduction } from '../src/reproduce/reproduction.ts';
import { bin, llrHere, sourceArguments } from './llr.ts';

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

const first = join(root, 'f4/networks/cifar10-wrn-28-10-adv-steps-ADV-1');

/** Runs the command in a process of its own, and kills it when its first network is there. */
async function killedAfterTheFirst(args: readonly string[]): Promise<void> {
  const process_ = spawn(process.execPath, [...sourceArguments, bin, ...args], {
    stdio: 'ignore',
    env: { ...process.env, LLR_ENGINE: 'wasm' },
  });
  const ended = once(process_, 'exit');
  while (!existsSync(join(first, 'run.json'))) {
    if (process_.exitCode !== null) throw new Error(`It ended with ${process_.exitCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process_.kill('SIGKILL');
  await ended;
}

describe('llr reproduce', () => {
  it('goes on after it was killed, and makes a table: trains, attacks, writes numbers and claims', async () => {
    await killedAfterTheFirst(tiny('f4', 'table-f4', '--engine', 'wasm'));
    expect(existsSync(join(root, 'f4/table-f4.json'))).toBe(false);
    const before = statSync(join(first, 'run.json')).mtimeMs;
    const { code, stdout, stderr } = await llrHere(tiny('f4', 'table-f4', '--engine', 'wasm'));
    expect(stderr).toMatch(/ADV-1 +│ +trained[^\n]*\n[^\n]*ADV-2 +│ +(to be trained|begun)/);
    expect(code, stderr).toBe(0);
    expect(statSync(join(first, 'run.json')).mtimeMs).toBe(before);
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
    const files = ['run.json', 'evaluation.json'].map((name) => join(first, name));
    const before = files.map((file) => statSync(file).mtimeMs);
    const { code, stdout, stderr } = await llrHere(
      tiny('f4', 'table-f4', '--engine', 'wasm', '--json'),
    );
    expect(code, stderr).toBe(0);
    const [found] = JSON.parse(stdout) as Reproduction[];
    expect(found!.rows).toHaveLength(4);
    expect(files.map((file) => statSync(file).mtimeMs)).toEqual(before);
  });

  it('draws the figures', async () => {
    const names = ['figure-a1', 'figure-f2', 'figure-f3', 'figure-f4'];
    const { code, stdout, stderr } = await llrHere(tiny('f4', ...names, '--engine', 'wasm'));
    expect(code, stderr).toBe(0);
    for (const name of names) {
      const file = (extension: string) => readFileSync(join(root, 'f4', `${name}.${extension}`));
      expect(file('svg').toString()).toMatch(/^<svg/);
      expect(file('png').subarray(1, 4).toString()).toBe('PNG');
      expect(stdout).toContain(`](${name}.svg)`);
      const { claims } = JSON.parse(file('json').toString()) as Reproduction;
      for (const { outcome, evidence } of claims) {
        expect(['confirmed', 'not confirmed', 'undecided', 'for the eye']).toContain(outcome);
        expect(evidence).not.toMatch(/NaN|undefined/);
      }
    }
  });

  it('says what all will take, and trains nothing', async () => {
    const { code, stdout, stderr } = await llrHere(tiny('plan', 'table-f4', '--plan'));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/cifar10-wrn-28-10-adv-steps-ADV-2 +│ +to be trained/);
    expect(stdout).toMatch(/table-f4 +│ +4 /);
    expect(stdout).toMatch(/In all .* on wasm/);
    expect(existsSync(join(root, 'plan'))).toBe(false);
  });

  it('takes a run of one’s own in the place of a network, and leaves that folder as it was', async () => {
    const [adv, llr] = ['28-10-adv-steps-ADV-2', '28-8-few-steps-LLR-2'].map(
      (name) => `cifar10-wrn-${name}`,
    );
    const own = join(root, 'own');
    cpSync(join(root, 'f4/networks', adv!), own, { recursive: true });
    const before = readdirSync(own).map((name) => [name, statSync(join(own, name)).mtimeMs]);
    const { code, stdout, stderr } = await llrHere([
      ...tiny('use', 'figure-f2', '--engine', 'wasm'),
      ...['--use', `${adv}=${own}`, '--use', `${llr}=${own}`],
    ]);
    expect(code, stderr).toBe(0);
    // One network, twice.
    expect(stdout).toMatch(/difference 0\.00, 95 % interval 0\.00 to 0\.00/);
    expect(readdirSync(own).map((name) => [name, statSync(join(own, name)).mtimeMs])).toEqual(
      before,
    );
  });

  it('refuses what is no network, and what is no run', async () => {
    const unknown = await llrHere(tiny('no', 'figure-f2', '--use', 'LLR-2=x'));
    expect(unknown.stderr).toMatch(/--use LLR-2=….*no such network.*few-steps-LLR-2/);
    const noRun = await llrHere(
      tiny('no', 'figure-f2', '--use', 'cifar10-wrn-28-8-few-steps-LLR-2=nowhere'),
    );
    expect(noRun.stderr).toContain('holds no finished run');
  });

  it('refuses what is no table', async () => {
    const { code, stderr } = await llrHere(['reproduce', 'table-9']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/table-a1.*table-f4.*all/);
  });
});
