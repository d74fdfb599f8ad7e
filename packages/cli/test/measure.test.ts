import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bin, llrHere, sourceArguments, stripesConfig } from './llr.ts';
import { trainStripes } from './stripes-run.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-measure-'));
const trained = join(root, 'trained');
beforeAll(() => trainStripes(trained));
afterAll(() => rmSync(root, { recursive: true }));

/** The same network in folders of their own: `runs/a`, `runs/b`. */
const runs = (...names: string[]): string => {
  const folder = mkdtempSync(join(root, 'runs-'));
  for (const name of names) cpSync(trained, join(folder, name), { recursive: true });
  return folder;
};
const onStripes = ['--config', stripesConfig, '--batch-size', '8'];
const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));
const isPng = (...path: string[]) =>
  readFileSync(join(...path))
    .subarray(1, 4)
    .toString() === 'PNG';

describe('llr surface', () => {
  it('draws two networks around two images, and leaves the numbers with each', async () => {
    const folder = runs('a', 'b');
    const args = ['surface', folder, ...onStripes, '--image', '5,7', '--grid', '5'];
    const { code, stdout } = await llrHere([...args, '--extent', '1.5']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/│ .*a +│ +7, b │ +0\.1 │/);
    const surface = read(folder, 'a', 'surface-5.json');
    expect(surface).toMatchObject({ index: 5, label: 2, loss: 'cross-entropy', seed: 0 });
    expect(surface.adversarial).toEqual([-1.5, -0.75, 0, 0.75, 1.5]);
    expect(surface.epsilon).toBeCloseTo(0.1, 6);
    expect(surface.provenance).toMatchObject({
      data: { name: 'stripes', split: 'test', size: 48 },
      search: { optimizer: 'adam', steps: 50, stepSize: 0.1 },
      weights: { 'model.safetensors': expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const row = surface.values[2];
    expect(row[4]).toBeGreaterThan(row[2]);
    expect(read(folder, 'b', 'surface-7.json').label).toBe(1);
    expect(readFileSync(join(folder, 'a', 'surface-5.csv'), 'utf8').split('\n')).toHaveLength(27);
    expect(readFileSync(join(folder, 'surface-5.svg'), 'utf8')).toMatch(/test image 5, c[^a-z]/);
    expect(isPng(folder, 'surface-7.png')).toBe(true);
  });

  it.each([
    [['--image', '48'], 1, /no image 48: they are numbered 0 to 47/],
    [['--image', 'x'], 2, /whole numbers from 0/],
    [['--grid', '4'], 1, /grid must be an odd whole number/],
    [['--extent', '0'], 2, /above 0/],
    [['--formats', 'gif'], 2, /no format "gif"/],
    [['--step-size', '-1'], 2, /above 0/],
  ])('refuses %j', async (args, expected, message) => {
    const folder = runs('a');
    const before = readdirSync(join(folder, 'a'));
    const { code, stderr } = await llrHere(['surface', join(folder, 'a'), ...onStripes, ...args]);
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)]);
    expect(readdirSync(join(folder, 'a'))).toEqual(before);
  });
});

describe('llr gamma', () => {
  it('puts several networks on one plot, each with its numbers', async () => {
    const folder = runs('a', 'b');
    const out = join(folder, 'figure-f3');
    const args = ['gamma', join(folder, 'a'), join(folder, 'b'), ...onStripes, '--examples', '20'];
    const { code, stdout } = await llrHere([...args, '--steps', '5', '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/95 % below/);
    const found = read(out, 'a', 'gamma.json');
    expect(found.examples).toHaveLength(20);
    expect(found.provenance.examples).toEqual({ of: 20 });
    expect(read(out, 'b', 'gamma.json').examples).toEqual(found.examples);
    expect(readdirSync(out).sort()).toEqual(['a', 'b', 'gamma.png', 'gamma.svg']);
    expect(readdirSync(join(out, 'a')).sort()).toEqual(['gamma.csv', 'gamma.json']);
    expect(readFileSync(join(out, 'gamma.svg'), 'utf8')).toMatch(/a: median .* \(20 images\)/);
    expect(readdirSync(join(folder, 'a')).filter((name) => name.startsWith('gamma'))).toEqual([]);
  });

  it('prints JSON alone, and writes only the formats wanted', async () => {
    const folder = runs('a');
    const args = ['gamma', join(folder, 'a'), ...onStripes, '--examples', '9', '--steps', '3'];
    const { code, stdout, stderr } = await llrHere([...args, '--json', '--formats', 'json']);
    expect([code, stderr]).toEqual([0, '']);
    const [{ name, gamma }] = JSON.parse(stdout);
    expect(name).toBe(join(folder, 'a'));
    expect(read(folder, 'a', 'gamma.json')).toMatchObject(gamma);
    const written = readdirSync(join(folder, 'a')).filter((file) => file.startsWith('gamma'));
    expect(written).toEqual(['gamma.json']);
  });

  it("goes on with no other measurement's journal", async () => {
    const folder = runs('a');
    const run = join(folder, 'a');
    await stoppedAt(run, 'gamma', 2);
    const { code, stderr } = await llrHere(['gamma', run, ...onStripes, '--steps', '5']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /gamma\.journal\.jsonl is the journal of another measurement.*search\.steps \(--steps\) is 40 there and 5 here.*--restart/,
    );
    const anew = ['gamma', run, ...onStripes, '--steps', '5', '--restart', '--formats', 'json'];
    expect((await llrHere(anew)).code).toBe(0);
    expect(read(run, 'gamma.json').provenance.search.steps).toBe(5);
    expect(existsSync(join(run, 'gamma.journal.jsonl'))).toBe(false);
  });
});

describe('llr bounds', () => {
  it('checks the inequalities, and says so', async () => {
    const folder = runs('a');
    const args = ['bounds', join(folder, 'a'), ...onStripes, '--examples', '12', '--steps', '5'];
    const { code, stdout } = await llrHere(args);
    expect(code).toBe(0);
    expect(stdout.match(/│ +none │/g)).toHaveLength(4);
    const { propositions, examples } = read(folder, 'a', 'bounds.json');
    expect(examples).toHaveLength(12);
    expect(propositions.map(({ pairs }: { pairs: unknown[] }) => pairs.length)).toEqual([
      36, 36, 36, 36,
    ]);
    expect(isPng(folder, 'a', 'bounds.png')).toBe(true);
    expect(readFileSync(join(folder, 'a', 'bounds.csv'), 'utf8').split('\n')).toHaveLength(146);
  });
});

describe('llr panels', () => {
  it('draws the same images for several networks', async () => {
    const folder = runs('a', 'b');
    const { code, stdout } = await llrHere(['panels', folder, ...onStripes, '--count', '3']);
    expect(code).toBe(0);
    const [a, b] = [read(folder, 'a', 'panels.json'), read(folder, 'b', 'panels.json')];
    const indices = a.panels.map(({ index }: { index: number }) => index);
    expect(indices).toHaveLength(3);
    expect(b.panels).toEqual(a.panels);
    expect(a).toMatchObject({ attack: 'pgd-50', threat: { norm: 'linf', epsilon: 0.1 } });
    for (const { label, prediction, images } of a.panels) {
      expect(prediction).toBe(label);
      expect(images.perturbation).toMatch(/^data:image\/png;base64,/);
    }
    expect(stdout.split('\n').filter((line) => line.startsWith('│'))).toHaveLength(1 + 6);
    expect(isPng(folder, 'panels.png')).toBe(true);
    const svg = readFileSync(join(folder, 'panels.svg'), 'utf8');
    expect(svg.match(/<image /g)).toHaveLength(2 * 3 * 3);
  });

  it('draws the images that are named, in an ℓ2 ball too', async () => {
    const folder = runs('a');
    const args = ['panels', join(folder, 'a'), ...onStripes, '--images', '40,3', '--norm', 'l2'];
    const { code } = await llrHere([
      ...args,
      '--epsilon',
      '0.8',
      '--attack',
      'untargeted',
      '--steps',
      '4',
    ]);
    expect(code).toBe(0);
    const { panels, attack } = read(folder, 'a', 'panels.json');
    expect(attack).toBe('untargeted-4');
    expect(panels.map(({ index }: { index: number }) => index)).toEqual([40, 3]);
    expect(panels[0].epsilon).toBeLessThan(0.8);
  });
});

/** Slow enough to be caught between two batches. */
const slowly = [...onStripes, '--steps', '40', '--formats', 'json,csv'];
const journalOf = (run: string, what: string) => join(run, `${what}.journal.jsonl`);

/** Runs a measurement in a process of its own, and sends it a signal when so many batches are in the journal. */
function stoppedAt(
  run: string,
  what: 'gamma' | 'bounds',
  batches: number,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<number | null> {
  const child = spawn(process.execPath, [...sourceArguments, bin, what, run, ...slowly]);
  const watch = setInterval(() => {
    const file = journalOf(run, what);
    if (!existsSync(file) || readFileSync(file, 'utf8').split('\n').length - 2 < batches) return;
    clearInterval(watch);
    child.kill(signal);
  }, 5);
  return new Promise((done) =>
    child.on('close', (code) => {
      clearInterval(watch);
      done(code);
    }),
  );
}

describe.each([
  ['gamma', [1, 3]],
  ['bounds', [2]],
] as const)('llr %s after kill -9 at %j batches', (what, kills) => {
  it('comes to the same bytes as without', async () => {
    const folder = runs('whole', 'killed');
    const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
    expect((await llrHere([what, whole, ...slowly])).code).toBe(0);
    for (const batches of kills) {
      await stoppedAt(killed, what, batches);
      expect(existsSync(journalOf(killed, what))).toBe(true);
      expect(existsSync(join(killed, `${what}.json`))).toBe(false);
    }
    const { code, stderr } = await llrHere([what, killed, ...slowly]);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/Going on with \d+ images measured/)]);
    for (const name of [`${what}.json`, `${what}.csv`]) {
      expect(readFileSync(join(killed, name), 'utf8')).toBe(
        readFileSync(join(whole, name), 'utf8'),
      );
    }
    expect(existsSync(journalOf(killed, what))).toBe(false);
  });
});

it('ends after a batch with 130 on Ctrl-C, and goes on from there', async () => {
  const run = join(runs('a'), 'a');
  expect(await stoppedAt(run, 'gamma', 1, 'SIGINT')).toBe(130);
  expect(existsSync(join(run, 'gamma.json'))).toBe(false);
  const { code, stderr } = await llrHere(['gamma', run, ...slowly]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/Going on with \d+ images measured/)]);
});
