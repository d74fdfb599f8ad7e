import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Mpi,
  namespaces,
  type Outcome,
  run,
  startArguments,
} from '../../../tools/mpi/mpirun.ts';
import { requires } from '../../../tools/requires.ts';
import { bin, llrHere, sourceArguments } from './llr.ts';
import { evalStripes, ownAttack, trainStripes, withoutSeconds } from './stripes-run.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-ranks-'));
const trained = join(root, 'run');
const evaluate = (...args: string[]) =>
  evalStripes(trained, '--attack-file', ownAttack, '--engine', 'cpu', ...args);
const read = (file: string) => withoutSeconds(JSON.parse(readFileSync(file, 'utf8')));
const files = () => readdirSync(root).filter((name) => name !== 'run');
const whole = join(root, 'whole.json');

/** The command of one rank. */
const llr = (...args: string[]) => [process.execPath, ...sourceArguments, bin, ...args];

beforeAll(async () => {
  await trainStripes(trained);
  const { code, stderr } = await llrHere(evaluate('--json', '--out', whole));
  expect([code, stderr]).toEqual([0, '']);
});
afterAll(() => rmSync(root, { recursive: true }));

const mpis: readonly [string, Mpi][] = [
  ['Open MPI', 'openmpi'],
  ['MPICH', 'mpich'],
];

describe.each(mpis)('under the mpirun of %s', (name, mpi) => {
  it('ranks evaluate what one process does, and rank 0 alone shows it', async ({ skip }) => {
    const mpirun = requires(mpi, skip);
    const out = join(root, `${mpi}.json`);
    const command = llr(...evaluate('--out', out));
    const { code, stdout, stderr } = await run(mpirun, [...startArguments(mpi, 2), ...command]);
    expect([code, stdout.match(/48 images/g)?.length]).toEqual([0, 1]);
    expect(stderr).toMatch(new RegExp(`2 processes: ${name} .*, rank 0 of 2 on ${hostname()}`));
    expect(stderr.match(/Engine:/g)).toHaveLength(1);
    expect(stderr).toMatch(/100 % .* of 48/);
    expect(read(out)).toEqual(read(whole));
    expect(files().filter((file) => file.includes('journal'))).toEqual([]);
  });
});

describe('under mpirun', () => {
  it('what fails on one rank ends all, is said once, and is gone on with', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const out = join(root, 'failed.json');
    const command = llr(...evaluate('--out', out));
    const failing = ['env', 'OWN_ATTACK_FAILS_AT=2', ...command];
    const [first, second] = [startArguments('openmpi', 1), ['-n', '1']];
    const failed = await run(mpirun, [...first, ...command, ':', ...second, ...failing]);
    expect(failed.code).toBe(1);
    expect(saidBy(failed)).toEqual([`llr: rank 1 of 2 on ${hostname()}: No more.`]);
    expect(existsSync(out)).toBe(false);
    const journal = join(root, 'failed.shard-2-of-2.journal.jsonl');
    expect(readFileSync(journal, 'utf8').trim().split('\n').length).toBeGreaterThan(1);

    const again = await run(mpirun, [...startArguments('openmpi', 2), ...command]);
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(/Going on with/);
    expect(read(out)).toEqual(read(whole));
    expect(existsSync(journal)).toBe(false);
  });

  it('ranks that would evaluate different things are refused', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const out = ['--out', join(root, 'other.json')];
    const [one, other] = [llr(...evaluate(...out)), llr(...evaluate(...out, '--seed', '1'))];
    const both = [...startArguments('openmpi', 1), ...one, ':', '-n', '1', ...other];
    const refused = await run(mpirun, both);
    expect(refused.code).toBe(1);
    expect(saidBy(refused)).toEqual([
      `llr: rank 1 of 2 on ${hostname()}: seed (--seed) is 1 here and 0 on rank 0 of 2 on ${hostname()}: all must evaluate the same.`,
    ]);
    expect(files().filter((file) => file.startsWith('other'))).toEqual([]);
  });

  it('what is wrong on every rank is said once', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    const command = llr('eval', join(root, 'nothing'), '--engine', 'cpu');
    const failed = await run(mpirun, [...startArguments('openmpi', 2), ...command]);
    expect(failed.code).toBe(1);
    expect(saidBy(failed)).toEqual([expect.stringMatching(/^llr: .*nothing/)]);
  });

  it('ranks on separate hosts evaluate what one process does', async ({ skip }) => {
    const mpirun = requires('openmpi', skip);
    requires('namespaces', skip);
    const hosts = { LLR_HOSTS: `llr${process.pid}` };
    const [first, second] = [1, 2].map((number) => `${hosts.LLR_HOSTS}-${number}`) as [
      string,
      string,
    ];
    const out = join(root, 'hosts.json');
    try {
      expect(await run(namespaces, ['up', '2'], hosts)).toMatchObject({ code: 0 });
      const start = [mpirun, ...startArguments('openmpi', 2, [first, second])];
      const { code, stderr } = await run(
        namespaces,
        ['run', first, ...start, ...llr(...evaluate('--out', out))],
        hosts,
      );
      expect([code, stderr]).toEqual([0, expect.stringContaining(`rank 0 of 2 on ${first}`)]);
      expect(read(out)).toEqual(read(whole));
    } finally {
      await run(namespaces, ['down'], hosts);
    }
  });
});

/** What llr says in the end; mpirun has words of its own. */
const saidBy = ({ stderr }: Outcome) =>
  stderr.split('\n').filter((line) => line.startsWith('llr: '));
