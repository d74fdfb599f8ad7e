import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObfuscationVerdict } from '@llr/analysis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { main } from '../src/main.ts';
import { llrHere, stripesConfig } from './llr.ts';
import { trainStripes } from './stripes-run.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-verdict-'));
const run = join(root, 'nominal');
const verdictOf = (folder: string, ...args: string[]) => [
  ...['verdict', folder, '--config', stripesConfig, '--examples', '32', '--batch-size', '32'],
  ...['--steps', '1,5', '--restarts', '2', '--queries', '50', ...args],
];
const read = (folder: string) => JSON.parse(readFileSync(join(folder, 'verdict.json'), 'utf8'));
const copy = (name: string) => {
  cpSync(run, join(root, name), { recursive: true });
  rmSync(join(root, name, 'verdict.json'), { force: true });
  return join(root, name);
};

let expected: ObfuscationVerdict;
beforeAll(async () => {
  await trainStripes(run);
  const { code, stdout, stderr } = await llrHere(verdictOf(run, '--json'));
  expect([code, stderr]).toEqual([0, '']);
  const results = JSON.parse(stdout) as { name: string; verdict: ObfuscationVerdict }[];
  expect(results.map(({ name }) => name)).toEqual([run]);
  expected = results[0]!.verdict;
});
afterAll(() => rmSync(root, { recursive: true }));

it('is what stands in the folder of the run, and says on what it rests', () => {
  expect(read(run)).toEqual(expected);
  expect(expected).toMatchObject({
    clean: { total: 32 },
    data: 'stripes, test[0:32]',
    threat: { name: 'linf', epsilon: expect.closeTo(0.1, 6) },
    provenance: {
      examples: { of: 32, ranges: [[0, 32]] },
      budget: { steps: [1, 5], restarts: 2, queries: 50 },
      surrogate: null,
      weights: { 'model.safetensors': expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
  });
  expect(expected.curves.steps.map(({ at }) => at)).toEqual([1, 5]);
  expect(existsSync(join(run, 'verdict.journal.jsonl'))).toBe(false);
});

it('is a page for people', async () => {
  const folder = copy('page');
  const { code, stdout } = await llrHere(verdictOf(folder));
  expect(code).toBe(0);
  expect(stdout).toContain(`${folder}: ${expected.verdict.toUpperCase()}\n${expected.summary}`);
  expect(stdout).toContain('stripes, test[0:32], 32 images, ε = 0.1 (ℓ∞), seed 0');
  expect(stdout).toMatch(/│ square-50 +│ logits only +│/);
  expect(stdout).toMatch(/│ random starts │ +1 │ +2 │/);
  expect(stdout).toMatch(/√γ \(50 Adam steps\): mean \d/);
  for (const { check } of expected.reasons) expect(stdout).toContain(`│ ${check} `);
});

it('is gone on with after Ctrl-C, and comes to the same', async () => {
  const folder = copy('stopped');
  const said: string[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    const first = !said.some((line) => line.includes('ε = 0.05'));
    said.push(String(text));
    if (first && String(text).includes('ε = 0.05')) process.emit('SIGINT', 'SIGINT');
    return true;
  });
  const code = await main(verdictOf(folder)).finally(() => spy.mockRestore());
  expect(code).toBe(130);
  expect(said.join('')).toContain('The same command goes on from there');
  expect(existsSync(join(folder, 'verdict.json'))).toBe(false);

  const other = await llrHere(verdictOf(folder, '--seed', '7'));
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/seed \(--seed\) is 0 there and 7 here/);

  const { code: again, stderr } = await llrHere(verdictOf(folder));
  expect(again).toBe(0);
  expect(stderr).toContain('Going on from');
  // What was done stands at 100 % from the beginning.
  expect(stderr).toMatch(/attacks █+ 100 %/);
  expect(stderr).not.toMatch(/(attacks|ε = 0.025) ░/);
  expect(read(folder)).toEqual(expected);
});

it('also tries what breaks another network', async () => {
  const folder = copy('transferred');
  const { code, stdout } = await llrHere(
    verdictOf(folder, '--transfer-from', run, '--epsilon', '0.2', '--json'),
  );
  expect(code).toBe(0);
  const [{ verdict }] = JSON.parse(stdout) as [{ verdict: ObfuscationVerdict }];
  const names = verdict.attacks.map(({ name }) => name);
  expect(names).toContain('untargeted-5-from-small-conv-net');
  const accuracyUnder = (attack: string) =>
    verdict.attacks.find(({ name }) => name === attack)!.accuracy.correct;
  // From a network to itself everything transfers, up to where the two start.
  expect(
    Math.abs(accuracyUnder('untargeted-5-from-small-conv-net') - accuracyUnder('untargeted-5')),
  ).toBeLessThanOrEqual(2);
});

it.each([
  [['--steps', '5,1'], 2, /rising/],
  [['--steps', 'many'], 2, /whole number/],
  [['--transfer-from', 'nowhere'], 1, /There is no nowhere/],
])('refuses %s', async (args, code, message) => {
  const outcome = await llrHere(verdictOf(run, ...args));
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toMatch(message);
});
