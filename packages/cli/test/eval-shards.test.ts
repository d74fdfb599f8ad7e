import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llrHere } from './llr.ts';
import { evalStripes, ownAttack, trainStripes, withoutSeconds } from './stripes-run.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-shards-'));
const run = join(root, 'run');
const attacks = ['--attack-file', ownAttack];
const shard = (i: number, n: number) => join(run, `evaluation.shard-${i}-of-${n}.json`);
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const evaluate = async (...args: string[]) => {
  const { code, stderr } = await llrHere(evalStripes(run, ...attacks, '--json', ...args));
  expect([code, stderr]).toEqual([0, '']);
};

beforeAll(async () => {
  await trainStripes(run);
  await evaluate();
  for (const i of [1, 2, 3]) await evaluate('--shard', `${i}/3`);
});
afterAll(() => rmSync(root, { recursive: true }));

it('shards merge to what the whole gives, in any order', async () => {
  const out = join(root, 'merged.json');
  const { code, stdout } = await llrHere([
    'eval',
    'merge',
    shard(3, 3),
    shard(1, 3),
    shard(2, 3),
    '--out',
    out,
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/stripes, test, 48 images.*[\s\S]*worst case/);
  const whole = read(join(run, 'evaluation.json'));
  expect(whole.robust.correct).toBeGreaterThan(0);
  expect(whole.robust.correct).toBeLessThan(whole.clean.correct);
  expect(withoutSeconds(read(out))).toEqual(withoutSeconds(whole));
});

it('a shard holds its own part, with the indices of the whole', () => {
  const { examples, data } = read(shard(2, 3));
  expect(data).toBe('stripes, test[16:32]');
  expect(examples.map(({ index }: { index: number }) => index)).toEqual(
    Array.from({ length: 16 }, (_, i) => 16 + i),
  );
});

it('shards save their adversarial images beside one another', async () => {
  const found = join(root, 'found');
  for (const i of [1, 2]) {
    await evaluate('--shard', `${i}/2`, '--save-adversarial', found);
    const { examples } = read(join(found, `shard-${i}-of-2`, 'adversarial.json'));
    const broken = read(shard(i, 2)).examples.filter(
      ({ brokenBy }: { brokenBy: string | null }) => brokenBy !== null && brokenBy !== 'clean',
    );
    const indices = (of: { index: number }[]) => of.map(({ index }) => index);
    expect(indices(examples)).toEqual(indices(broken));
  }
});

it('parts are accepted with --partial, and can be completed later', async () => {
  const part = join(root, 'part.json');
  const out = join(root, 'completed.json');
  const partial = await llrHere([
    'eval',
    'merge',
    shard(1, 3),
    shard(3, 3),
    '--partial',
    '--out',
    part,
  ]);
  expect(partial.code).toBe(0);
  expect(read(part).data).toBe('stripes, test[0:16]+[32:48]');
  const { code } = await llrHere(['eval', 'merge', part, shard(2, 3), '--out', out]);
  expect(code).toBe(0);
  expect(withoutSeconds(read(out))).toEqual(withoutSeconds(read(join(run, 'evaluation.json'))));
});

const changed = (name: string, change: (result: ReturnType<typeof read>) => void) => {
  const file = join(root, name);
  const result = read(shard(2, 3));
  change(result);
  writeFileSync(file, JSON.stringify(result));
  return file;
};

it.each([
  ['missing parts', () => [shard(1, 3), shard(3, 3)], /Of 48 examples, 16 to 31 are in none/],
  [
    'the same part twice',
    () => [shard(1, 3), shard(1, 3)],
    /Examples 0 to 15 are in more than one/,
  ],
  [
    'another ε',
    () => [shard(1, 3), changed('e.json', ({ provenance }) => (provenance.threat.epsilon = 0.1))],
    /threat\.epsilon \(--epsilon\) is 0\.2 in the one and 0\.1 in the other/,
  ],
  [
    'other weights',
    () => [
      shard(1, 3),
      changed('w.json', ({ provenance }) => (provenance.weights['model.safetensors'] = 'abc')),
    ],
    /weights\.model\.safetensors is ".*… in the one and "abc" in the other/,
  ],
  [
    'another engine',
    () => [shard(1, 3), changed('n.json', ({ provenance }) => (provenance.engine = 'abacus 1'))],
    /engine \(--engine\).*"abacus 1"/,
  ],
  ['no file', () => [join(root, 'none.json')], /none\.json can't be read/],
  ['a file of llr train', () => [join(run, 'run.json')], /run\.json holds no result of llr eval/],
  [
    'half a file',
    () => {
      const file = join(root, 'half.json');
      writeFileSync(file, readFileSync(shard(1, 3), 'utf8').slice(0, 500));
      return [file];
    },
    /half\.json is not whole/,
  ],
])('merge refuses %s', async (_what, files, message) => {
  const out = join(root, 'refused.json');
  const { code, stdout, stderr } = await llrHere(['eval', 'merge', ...files(), '--out', out]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(existsSync(out)).toBe(false);
});

it.each([
  ['--shard', '4/3'],
  ['--shard', '0/3'],
  ['--shard', 'half'],
])('refuses %s %s', async (...args) => {
  const { code, stderr } = await llrHere(evalStripes(run, ...args));
  expect(code).toBe(2);
  expect(stderr).toContain('such as 1/4');
});

it('refuses more shards than examples', async () => {
  const { code, stderr } = await llrHere(evalStripes(run, '--shard', '1/49'));
  expect(code).toBe(1);
  expect(stderr).toContain('there are only 48 examples');
});
