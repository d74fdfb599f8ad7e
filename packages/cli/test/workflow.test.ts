import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Evaluation } from '@llr/attacks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llr, stripesConfig } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-cli-'));
const out = join(root, 'stripes');
let trained: Awaited<ReturnType<typeof llr>>;
beforeAll(async () => {
  trained = await llr(['train', stripesConfig, '--out', out, '--seed', '3', '--json']);
});
afterAll(() => rmSync(root, { recursive: true }));

describe('train', () => {
  it('trains, attacks and reports, and prints nothing but JSON on stdout', () => {
    expect(trained.code).toBe(0);
    const { results, report } = JSON.parse(trained.stdout) as {
      results: { variant: string; evaluation: Evaluation }[];
      report: string;
    };
    expect(results.map(({ variant }) => variant)).toEqual(['nominal', 'LLR']);
    for (const { evaluation } of results) {
      expect(evaluation.clean).toMatchObject({ total: 24, correct: 24 });
      expect(evaluation.robust.correct).toBeLessThanOrEqual(evaluation.clean.correct);
    }
    expect(report).toBe(join(out, 'report.html'));
  });

  it('leaves the run, its network, its evaluation and the report on disk', () => {
    for (const variant of ['nominal', 'LLR']) {
      for (const file of ['run.json', 'metrics.jsonl', 'evaluation.json', 'model/config.json']) {
        expect(existsSync(join(out, variant, file)), `${variant}/${file}`).toBe(true);
      }
    }
    const html = readFileSync(join(out, 'report.html'), 'utf8');
    expect(html).toContain('stripes on stripes');
    const run = JSON.parse(readFileSync(join(out, 'LLR', 'run.json'), 'utf8'));
    const text = readFileSync(stripesConfig, 'utf8');
    expect(run).toMatchObject({
      seed: 3,
      source: { options: { seed: 3, out }, config: { file: stripesConfig, text } },
    });
    expect(run.source).toHaveProperty('git');
    const events = readdirSync(join(out, 'LLR')).filter((name) => name.includes('tfevents'));
    expect(events).toHaveLength(1);
  });

  it('shows bars on the way and a table at the end, for people', async () => {
    const { code, stdout, stderr } = await llr([
      'train',
      stripesConfig,
      '--out',
      join(root, 'people'),
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain(`Engine: ${process.env.LLR_ENGINE} `);
    expect(stderr).toMatch(
      /LLR: training .*100 %.* images\/s .*loss [\d.]+, g [\d.e-]+, \|δᵀ∇ℓ\| .*data wait/,
    );
    expect(stdout).toMatch(/accuracy .*clean .*fgsm .*worst case/);
    expect(stdout).toMatch(/LLR .*100\.0 %/);
  });
});

describe('eval', () => {
  it('attacks a saved network anew, and gives what training gave under the same attack', async () => {
    const args = ['eval', join(out, 'LLR'), '--config', stripesConfig, '--attacks', 'fgsm'];
    const { code, stdout } = await llr([...args, '--examples', '24', '--json']);
    expect(code).toBe(0);
    const [{ evaluation }] = JSON.parse(stdout) as [{ evaluation: Evaluation }];
    const before = (JSON.parse(trained.stdout) as { results: { evaluation: Evaluation }[] })
      .results[1]!.evaluation;
    expect(evaluation.examples).toEqual(before.examples);
  });

  it('finds every image broken at an ε that swallows the classes', async () => {
    const args = ['eval', join(out, 'nominal'), '--config', stripesConfig, '--epsilon', '255/255'];
    const { stdout } = await llr([
      ...args,
      '--attacks',
      'pgd',
      '--out',
      join(root, 'eval.json'),
      '--json',
    ]);
    const [{ evaluation }] = JSON.parse(stdout) as [{ evaluation: Evaluation }];
    expect(evaluation.robust.correct).toBe(0);
    expect(JSON.parse(readFileSync(join(root, 'eval.json'), 'utf8'))).toEqual(evaluation);
  });
});

describe('report', () => {
  it('is written anew from the folders of runs', async () => {
    const file = join(root, 'again.html');
    const { code, stdout } = await llr(['report', out, '--config', stripesConfig, '--out', file]);
    expect(code).toBe(0);
    expect(stdout).toBe(`Report: ${file}\n`);
    expect(readFileSync(file, 'utf8')).toContain('nominal');
  });
});

describe('doctor', () => {
  it('says which engine is taken and how to get the others', async () => {
    const { stdout } = await llr(['doctor', '--json']);
    const { engines } = JSON.parse(stdout) as {
      engines: { name: string; taken: boolean; reason: string; install?: string }[];
    };
    expect(engines.map(({ name }) => name)).toEqual([
      'tensorflow-gpu',
      'tfjs-node-gpu',
      'tensorflow',
      'tfjs-node',
      'wasm',
      'cpu',
    ]);
    expect(engines.filter(({ taken }) => taken)).toHaveLength(1);
    for (const { install, reason } of engines) expect(install ? reason : 'x').not.toBe('');
  });
});
