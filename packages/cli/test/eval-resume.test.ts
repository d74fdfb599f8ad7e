import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bin, llrHere, sourceArguments } from './llr.ts';
import { evalStripes, ownAttack, trainStripes, withoutSeconds } from './stripes-run.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-resume-'));
const trained = join(root, 'trained');
const attacks = ['--attack-file', ownAttack];
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const resultOf = (run: string) => withoutSeconds(read(join(run, 'evaluation.json')));
const journalOf = (run: string) => join(run, 'evaluation.journal.jsonl');
const copy = (name: string) => {
  cpSync(trained, join(root, name), { recursive: true });
  return join(root, name);
};
/** The files of a folder, byte by byte. */
const filesOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );

const withImages = (run: string) => [...attacks, '--save-adversarial', join(run, 'found')];
/** An uninterrupted evaluation, and the adversarial images it saved. */
let expected: { result: ReturnType<typeof read>; files: ReturnType<typeof filesOf> };
beforeAll(async () => {
  await trainStripes(trained);
  const whole = copy('whole');
  const { code, stderr } = await llrHere(evalStripes(whole, ...withImages(whole), '--json'));
  expect([code, stderr]).toEqual([0, '']);
  expected = { result: resultOf(whole), files: filesOf(join(whole, 'found')) };
});
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const expectSame = (run: string) => {
  expect(resultOf(run)).toEqual(expected.result);
  expect(filesOf(join(run, 'found'))).toEqual(expected.files);
  expect(existsSync(journalOf(run))).toBe(false);
};

describe('an evaluation that fails on its way', () => {
  let stopped: string;
  beforeAll(async () => {
    stopped = copy('stopped');
    vi.stubEnv('OWN_ATTACK_FAILS_AT', '7');
    const { code, stderr } = await llrHere(evalStripes(stopped, ...withImages(stopped)));
    expect(code).toBe(1);
    expect(stderr).toContain('No more.');
  });

  it('leaves a journal and no result', () => {
    expect(existsSync(join(stopped, 'evaluation.json'))).toBe(false);
    const lines = readFileSync(journalOf(stopped), 'utf8').trim().split('\n');
    expect(lines.length).toBeGreaterThan(8);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      format: 1,
      seed: 0,
      batchSize: 8,
      threat: { norm: 'linf', epsilon: 0.2 },
      data: { name: 'stripes', size: 48 },
      examples: { of: 48, ranges: [[0, 48]] },
      weights: { 'model.safetensors': expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it('is gone on with from wherever its journal ends, and comes to the same', async () => {
    const bytes = readFileSync(journalOf(stopped));
    const ends = [...bytes.keys()].filter((at) => bytes[at] === '\n'.charCodeAt(0));
    expect(ends.length).toBeGreaterThan(8);
    const run = join(root, 'cut');
    // After each line, and within it.
    for (const [line, end] of ends.entries()) {
      for (const length of [end - 5, end + 1]) {
        cpSync(stopped, run, { recursive: true });
        truncateSync(journalOf(run), length);
        const { code, stderr } = await llrHere(evalStripes(run, ...withImages(run)));
        expect(code).toBe(0);
        const entries = length > end ? line : line - 1;
        expect(stderr.includes('Going on with ')).toBe(entries > 0);
        expectSame(run);
        rmSync(run, { recursive: true });
      }
    }
  });

  it.each([
    [['--seed', '1'], /seed \(--seed\) is 0 there and 1 here/],
    [['--epsilon', '0.1'], /threat\.epsilon \(--epsilon\) is 0\.2 there and 0\.1 here/],
    [['--separately'], /activeSet \(--separately\)/],
    [['--examples', '40'], /examples\.of \(--examples\) is 48 there and 40 here/],
    [['--attacks', 'pgd'], /attacks\.0\.name \(--suite, --attacks/],
  ])('is not gone on with by %j', async (args, message) => {
    const before = readFileSync(journalOf(stopped));
    const { code, stderr } = await llrHere(evalStripes(stopped, ...withImages(stopped), ...args));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/--restart.*--out/);
    expect(readFileSync(journalOf(stopped))).toEqual(before);
  });

  it('is begun anew with --restart', async () => {
    const run = join(root, 'anew');
    cpSync(stopped, run, { recursive: true });
    const { code, stderr } = await llrHere(
      evalStripes(run, ...attacks, '--restart', '--seed', '1'),
    );
    expect(code).toBe(0);
    expect(stderr).not.toContain('Going on');
    expect(resultOf(run).seed).toBe(1);
  });

  it('says its warnings once, however often it was stopped', async () => {
    const run = copy('warned');
    const args = evalStripes(run, ...attacks, '--epsilon', '0.6');
    vi.stubEnv('OWN_ATTACK_FAILS_AT', '1');
    await llrHere(args);
    vi.unstubAllEnvs();
    const lines = readFileSync(journalOf(run), 'utf8').split('\n');
    const warned = lines.findIndex((line) => line.startsWith('{"warnings"'));
    writeFileSync(journalOf(run), `${lines.slice(0, warned + 1).join('\n')}\n`);
    const { stderr } = await llrHere(args);
    expect(stderr.match(/Warning, .* \(epsilon-too-large\): /g)).toHaveLength(1);
    const { warnings } = resultOf(run);
    expect(new Set(warnings.map(({ check }: { check: string }) => check)).size).toBe(
      warnings.length,
    );
  });

  it('says where its journal is damaged', async () => {
    const run = join(root, 'damaged');
    cpSync(stopped, run, { recursive: true });
    const lines = readFileSync(journalOf(run), 'utf8').split('\n');
    writeFileSync(journalOf(run), [...lines.slice(0, 3), '{"att', ...lines.slice(4)].join('\n'));
    const { code, stderr } = await llrHere(evalStripes(run, ...withImages(run)));
    expect(code).toBe(1);
    expect(stderr).toMatch(/damaged in line 4/);
  });

  it('says that adversarial images were lost', async () => {
    const run = join(root, 'lost');
    cpSync(stopped, run, { recursive: true });
    rmSync(join(run, 'found'), { recursive: true });
    const { code, stderr } = await llrHere(evalStripes(run, ...withImages(run)));
    expect(code).toBe(1);
    expect(stderr).toMatch(/has lost adversarial images.*--restart/);
  });
});

/** Runs `llr eval` in a process of its own, and sends a signal when so many batches are in the journal. */
function stoppedAt(run: string, lines: number, signal: NodeJS.Signals) {
  const args = evalStripes(run, ...withImages(run));
  const child = spawn(process.execPath, [...sourceArguments, bin, ...args], {
    env: { ...process.env, OWN_ATTACK_PAUSE: '100' },
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const watch = setInterval(() => {
    if (!existsSync(journalOf(run))) return;
    if (readFileSync(journalOf(run), 'utf8').split('\n').length - 1 < lines) return;
    clearInterval(watch);
    child.kill(signal);
  }, 5);
  return new Promise<{ code: number | null; stderr: string }>((done) =>
    child.on('close', (code) => {
      clearInterval(watch);
      done({ code, stderr });
    }),
  );
}

describe('an evaluation that is stopped', () => {
  it('by kill -9, again and again, comes to what an uninterrupted one does', async () => {
    const run = copy('killed');
    for (const lines of [3, 8, 14]) {
      const { code } = await stoppedAt(run, lines, 'SIGKILL');
      expect(code).toBe(null);
      expect(existsSync(join(run, 'evaluation.json'))).toBe(false);
    }
    const { code, stderr } = await llrHere(evalStripes(run, ...withImages(run)));
    expect(code).toBe(0);
    expect(stderr).toMatch(/Going on with \d+ of 48 examples settled/);
    expectSame(run);
  });

  it('by Ctrl-C ends after the batch, says how to go on, and exits with 130', async () => {
    const run = copy('interrupted');
    const { code, stderr } = await stoppedAt(run, 9, 'SIGINT');
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped\. The same command goes on from there/);
    const { code: after } = await llrHere(evalStripes(run, ...withImages(run)));
    expect(after).toBe(0);
    expectSame(run);
  });
});
