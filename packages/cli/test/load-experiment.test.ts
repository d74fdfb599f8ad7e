import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../src/load-experiment.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-plain-'));
const yaml = join(root, 'llr.config.yaml');
const regularizer = `export default ({ weight = 1 }) => ({
  name: 'mine',
  settings: { weight },
  penalty: ({ nominal }) => nominal.loss,
});\n`;

beforeAll(() => {
  writeFileSync(
    yaml,
    `name: mine
data: fashion-mnist
model: { name: small-conv-net, channels: [4, 8] }
threat: { norm: linf, epsilon: 8/255 }
train: { epochs: 2, batchSize: 32, learningRate: 0.01 }
variants:
  mine: { regularizers: [{ from: ./plugins/mine.ts, weight: 2 }, { from: my-regularizer }] }
`,
  );
  mkdirSync(join(root, 'plugins'));
  writeFileSync(join(root, 'plugins', 'mine.ts'), regularizer);
  mkdirSync(join(root, 'node_modules', 'my-regularizer'), { recursive: true });
  writeFileSync(
    join(root, 'node_modules', 'my-regularizer', 'package.json'),
    '{ "name": "my-regularizer", "type": "module", "exports": "./index.js" }',
  );
  writeFileSync(join(root, 'node_modules', 'my-regularizer', 'index.js'), regularizer);
  writeFileSync(join(root, 'broken.yaml'), 'name: mine\ndata: [1, 2\n');
  writeFileSync(join(root, 'missing.json'), '{ "name": "x", "data": { "from": "./none.ts" } }');
  writeFileSync(
    join(root, 'mixed.config.ts'),
    `import mine from './plugins/mine.ts';
export default {
  name: 'mixed',
  data: 'fashion-mnist',
  model: 'small-conv-net',
  threat: { norm: 'linf', epsilon: 0.1 },
  train: { epochs: 2, batchSize: 32, learningRate: { schedule: 'cosine-decay', initial: 0.1 } },
  variants: { both: { regularizers: [mine({ weight: 5 }), { name: 'cure', lambda: 1, h: 1 }] } },
};\n`,
  );
});
afterAll(() => rmSync(root, { recursive: true }));

const regularizersOf = async (choice: Parameters<typeof loadExperiment>[0], variant: string) =>
  (await loadExperiment(choice)).variants[variant]!.regularizers!.map(({ name, settings }) => ({
    name,
    settings,
  }));

describe('loadExperiment', () => {
  it('reads YAML, with plugins from files beside it and from packages', async () => {
    const experiment = await loadExperiment({ config: yaml });
    expect(experiment).toMatchObject({ name: 'mine', threat: { epsilon: 8 / 255 } });
    expect(await regularizersOf({ config: yaml }, 'mine')).toEqual([
      { name: 'mine', settings: { weight: 2 } },
      { name: 'mine', settings: { weight: 1 } },
    ]);
  });

  it('takes real and plain parts in one module', async () => {
    expect(await regularizersOf({ config: join(root, 'mixed.config.ts') }, 'both')).toEqual([
      { name: 'mine', settings: { weight: 5 } },
      { name: 'cure', settings: { lambda: 1, h: 1, squared: false } },
    ]);
  });

  it('changes what --set says, after the other options', async () => {
    const set = ['train.epochs=7', 'variants.mine.regularizers.0.weight=9'];
    const experiment = await loadExperiment({ config: yaml, epochs: 5, seed: 3, set });
    expect(experiment).toMatchObject({ seed: 3, train: { epochs: 7, batchSize: 32 } });
    expect((await regularizersOf({ config: yaml, set }, 'mine'))[0]!.settings).toEqual({
      weight: 9,
    });
    const config = join(root, 'mixed.config.ts');
    const real = await loadExperiment({ config, set: ['train.batchSize=3'] });
    expect(real.train.batchSize).toBe(3);
  });

  it('gives a preset at its scale', async () => {
    const preset = 'imagenet-4-adv';
    const paper = await loadExperiment({ preset, data: 'imagenet:here', epsilon: 0.01 });
    expect(paper).toMatchObject({ data: 'imagenet:here', threat: { epsilon: 0.01 } });
    const mini = await loadExperiment({ preset, scale: 'mini' });
    expect(mini).toMatchObject({ name: 'imagenet-4-adv-mini', data: 'fashion-mnist' });
  });

  it.each([
    ['both a config and a preset', { config: yaml, preset: 'quick-start' }, /not both/],
    ['a scale of a config', { config: yaml, scale: 'mini' as const }, /--scale is of presets/],
    [
      'YAML that is none',
      { config: join(root, 'broken.yaml') },
      /broken\.yaml is no YAML or JSON\..*line 3/s,
    ],
    [
      'a plugin file that is not there',
      { config: join(root, 'missing.json') },
      /data: there is no file \.\/none\.ts in /,
    ],
    [
      'a package that is not there',
      { config: yaml, set: ['variants.mine.regularizers.1.from=no-such-package'] },
      /regularizers\.1: there is neither a file no-such-package in .* nor a package/,
    ],
    [
      'a field that is none',
      { config: yaml, set: ['train.batchsize=3'] },
      /train: has no field "batchsize"; did you mean batchSize\?/,
    ],
    [
      'a preset that is nearly one',
      { preset: 'quickstart' },
      /no preset "quickstart"; did you mean quick-start\?/,
    ],
  ])('refuses %s', async (_what, choice, message) => {
    await expect(loadExperiment(choice)).rejects.toThrow(message);
  });
});
