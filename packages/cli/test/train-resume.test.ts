import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bin, llrHere, slowConfig, sourceArguments } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-train-resume-'));
afterAll(() => rmSync(root, { recursive: true }));

const bytes = (out: string, file: string) =>
  readFileSync(join(root, out, 'nominal', file)).toString('base64');
const trainTo = (out: string, ...args: string[]) => [
  ...['train', slowConfig, '--out', join(root, out)],
  ...args,
];

/** Trains slowly in a process of its own, and sends it a signal when it has begun. */
function stopped(
  args: string[],
  signal: NodeJS.Signals,
): Promise<{ code: number; stderr: string }> {
  const env = { ...process.env, SLOW_BATCHES: '200' };
  const child = spawn(process.execPath, [...sourceArguments, bin, ...args], { env });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    if (/epoch \d/.test(stderr) && !child.killed) child.kill(signal);
  });
  return new Promise((done) => child.on('close', (code) => done({ code: code!, stderr })));
}

describe('a training that Ctrl-C stops', () => {
  it('ends with 130, says how to go on, and goes on to the same bytes', async () => {
    const whole = await llrHere(trainTo('whole', '--json'));
    expect([whole.code, whole.stderr]).toEqual([0, '']);

    const { code, stderr } = await stopped(trainTo('stopped'), 'SIGINT');
    expect(stderr).toMatch(/Stopping after this step[\s\S]*Training stopped after step \d+ of 20/);
    expect(stderr).toContain('llr train --resume');
    expect(code).toBe(130);
    expect(existsSync(join(root, 'stopped', 'nominal', 'run.json'))).toBe(false);

    const refused = await llrHere(trainTo('stopped'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/unfinished run.*--resume.*--restart/);

    const resumed = await llrHere(trainTo('stopped', '--resume', '--json'));
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    for (const file of ['metrics.jsonl', 'model/model.safetensors']) {
      expect(bytes('stopped', file), file).toBe(bytes('whole', file));
    }
  }, 240_000);

  it('attacks nothing again that was attacked, but for a config that says otherwise', async () => {
    const trained = () => llrHere(trainTo('attacked', '--resume', '--json'));
    const evaluation = join(root, 'attacked', 'nominal', 'evaluation.json');
    const made = () => statSync(evaluation).mtimeMs;
    await trained();
    const first = made();
    const again = await trained();
    expect([again.code, made()]).toEqual([0, first]);
    const other = await llrHere([
      ...trainTo('attacked', '--resume'),
      '--set',
      'evaluation.examples=8',
    ]);
    expect([other.code, other.stderr]).toEqual([0, expect.any(String)]);
    expect(JSON.parse(readFileSync(evaluation, 'utf8')).clean.total).toBe(8);
  }, 240_000);

  it('is not two things at once', async () => {
    const { code, stderr } = await llrHere(trainTo('both', '--resume', '--restart'));
    expect(code).toBe(2);
    expect(stderr).toContain("'--restart' cannot be used with option '--resume'");
  });
});
