import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

  it('ranks all networks of a folder by their files, and says what it left out', async () => {
    const folder = join(root, 'board');
    for (const name of ['kept/one', 'kept/two', 'broken', 'unevaluated']) {
      cpSync(join(out, 'LLR'), join(folder, name), { recursive: true });
    }
    writeFileSync(join(folder, 'kept', 'report.html'), '');
    writeFileSync(join(folder, 'broken', 'evaluation.json'), '{"clean": ');
    rmSync(join(folder, 'unevaluated', 'evaluation.json'));
    const { code, stdout, stderr } = await llr(['report', '--board', folder, '--json']);
    expect(code).toBe(0);
    const { board, networks } = JSON.parse(stdout) as {
      board: string;
      networks: { name: string; report: string; evaluation: object }[];
    };
    expect(networks.map(({ name, report }) => [name, report])).toEqual([
      ['kept/one', 'kept/report.html'],
      ['kept/two', 'kept/report.html'],
    ]);
    expect(networks[0]!.evaluation).not.toHaveProperty('examples');
    expect(board).toBe(join(folder, 'board.html'));
    expect(readFileSync(board, 'utf8')).toContain('kept/two');
    expect(stderr).toMatch(/broken: evaluation.json can't be read: .*JSON/);
    expect(stderr).toMatch(/unevaluated: not evaluated: run llr eval/);
    // Nothing is measured, so no engine is started.
    expect(stderr).not.toContain('Engine');
  });

  it.each([
    [['report'], /Name the runs/],
    [['report', out, '--board', out], /can't be added/],
    [['report', '--board', join(root, 'nowhere')], /There is no .*nowhere/],
    [
      ['report', '--board', fileURLToPath(new URL('.', import.meta.url))],
      /holds no run and no evaluation/,
    ],
  ])('refuses llr %s', async (args, message) => {
    const { code, stderr } = await llr(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('takes what was measured and lies in the run, and names runs of one name by their folders', async () => {
    const folder = join(root, 'measured');
    for (const name of ['a', 'b'])
      cpSync(join(out, 'LLR'), join(folder, name, 'LLR'), { recursive: true });
    const surface = (index: number) => ({
      adversarial: [-1, 0, 1],
      random: [-1, 0, 1],
      values: [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ],
      epsilon: 0.1,
      index,
      label: 0,
      loss: 'cross-entropy',
      seed: 0,
    });
    const run = join(folder, 'a', 'LLR');
    writeFileSync(join(run, 'surface-10.json'), JSON.stringify(surface(10)));
    writeFileSync(join(run, 'surface-9.json'), JSON.stringify(surface(9)));
    const gamma = {
      threat: { name: 'linf', epsilon: 0.1 },
      seed: 0,
      examples: [{ index: 0, gamma: 49 }],
      sqrtGamma: { mean: 7, quantiles: [{ q: 0.5, value: 7 }] },
    };
    writeFileSync(join(run, 'gamma.json'), JSON.stringify(gamma));
    const file = join(folder, 'report.html');
    // The first is named twice.
    const runs = [join(folder, 'a', 'LLR'), join(folder, 'a'), join(folder, 'b', 'LLR')];
    const { code, stderr } = await llr([
      'report',
      ...runs,
      '--config',
      stripesConfig,
      '--out',
      file,
    ]);
    expect(code, stderr).toBe(0);
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('a/LLR<span class="interval">1 image</span>');
    expect(page.indexOf('test image 9 (')).toBeLessThan(page.indexOf('test image 10 ('));
    expect(page.indexOf('test image 9 (')).toBeGreaterThan(0);
    const again = () => llr(['report', ...runs, '--config', stripesConfig, '--out', file]);
    writeFileSync(join(run, 'gamma.json'), '[');
    const broken = await again();
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/gamma\.json can't be read as JSON/);
    const weights = { 'model.safetensors': '0'.repeat(64) };
    writeFileSync(join(run, 'gamma.json'), JSON.stringify({ ...gamma, provenance: { weights } }));
    const stale = await again();
    expect(stale.code).toBe(1);
    expect(stale.stderr).toMatch(
      /gamma\.json was measured on another network .*model\.safetensors/,
    );
    expect(readFileSync(file, 'utf8')).toBe(page);
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
