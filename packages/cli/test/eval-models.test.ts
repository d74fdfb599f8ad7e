import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { llrHere, stripesConfig } from './llr.ts';
import { evalStripes, ownAttack, trainStripes, withoutSeconds } from './stripes-run.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-models-'));
const run = join(root, 'run');
const photos = join(root, 'photos');
const classifierConfig = fileURLToPath(new URL('fixtures/classifier.config.ts', import.meta.url));
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

/** Evaluates, and returns the one result. */
async function evaluated(...args: string[]) {
  const { code, stdout, stderr } = await llrHere(['eval', ...args, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout)[0].evaluation;
}

beforeAll(async () => {
  await trainStripes(run);
  // Images of noise, in as many classes as the Keras fixture has.
  for (let label = 0; label < 5; label++) {
    const folder = join(photos, 'test', `class-${label}`);
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(photos, 'train', `class-${label}`), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const png = new PNG({ width: 16, height: 16 });
      png.data.forEach((_, at) => {
        png.data[at] = at % 4 === 3 ? 255 : (at * (label + 3 * i + 7) * 31) % 256;
      });
      writeFileSync(join(folder, `${i}.png`), PNG.sync.write(png));
    }
  }
});
afterAll(() => rmSync(root, { recursive: true }));

/** A model.json with its weights in two files, as TensorFlow.js saves it. */
function saveTfjs(kind: 'layers' | 'graph', folder: string): void {
  const file = new URL('../../models/test/fixtures/keras.json', import.meta.url);
  const { weightSpecs, weightData, ...model } = read(fileURLToPath(file))[kind];
  const bytes = Buffer.from(weightData, 'base64');
  const paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, paths[0]!), bytes.subarray(0, 1000));
  writeFileSync(join(folder, paths[1]!), bytes.subarray(1000));
  const weightsManifest = [{ paths, weights: weightSpecs }];
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...model, weightsManifest }));
}

describe('what is evaluated', () => {
  it('a model folder gives what its run gives', async () => {
    const [, ...common] = evalStripes(run, '--attacks', 'fgsm');
    const ofRun = await evaluated(...common);
    const folder = join(root, 'weights');
    cpSync(join(run, 'model'), folder, { recursive: true });
    rmSync(join(folder, 'config.json'));
    // Without its config the network is built by the experiment, which has the data, too.
    const [, , ...options] = evalStripes(run, '--attacks', 'fgsm');
    const ofWeights = await evaluated(join(folder, 'model.safetensors'), ...options);
    expect(ofWeights.examples).toEqual(ofRun.examples);
    expect(read(join(folder, 'evaluation.json'))).toEqual(ofWeights);
    expect(ofWeights.provenance.weights).toEqual({
      'model.safetensors': ofRun.provenance.weights['model.safetensors'],
    });
  });

  it.each(['layers', 'graph'] as const)('a %s model of TensorFlow.js', async (kind) => {
    const folder = join(root, kind);
    saveTfjs(kind, folder);
    const options = ['--data', `folder:${photos}`, '--epsilon', '4/255'];
    const attack = ['--attacks', 'pgd', '--steps', '2', '--batch-size', '8'];
    const byFolder = await evaluated(folder, ...options, ...attack, '--norm', 'linf');
    expect(byFolder.examples).toHaveLength(15);
    expect(Object.keys(byFolder.provenance.weights)).toEqual([
      'model.json',
      'group1-shard1of2.bin',
      'group1-shard2of2.bin',
    ]);
    const byFile = await evaluated(join(folder, 'model.json'), ...options, ...attack);
    expect(withoutSeconds(byFile)).toEqual(withoutSeconds(byFolder));
    expect(byFolder.threat).toMatchObject({ name: 'linf' });
  });

  it('a classifier that a config exports, in an l2 ball', async () => {
    const out = join(root, 'waves.json');
    const options = ['--data', 'fashion-mnist', '--epsilon', '0.5', '--norm', 'l2'];
    const evaluation = await evaluated(
      ...['--config', classifierConfig, ...options, '--examples', '40', '--attacks', 'fgsm,square'],
      ...['--batch-size', '40', '--out', out],
    );
    expect(evaluation).toMatchObject({ classifier: 'waves', threat: { name: 'l2' }, seed: 0 });
    expect(evaluation.data).toBe('fashion-mnist, test[0:40]');
    expect(evaluation.provenance.weights).toEqual({
      'logits of noise': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

describe('attacks', () => {
  it('attack separately, and say how often they get their target', async () => {
    const [, ...args] = evalStripes(run, '--attack-file', ownAttack);
    const options = ['--attacks', 'multi-targeted', '--steps', '3', '--targeted-success'];
    const { attacks, activeSet } = await evaluated(...args, ...options, '--separately');
    expect(activeSet).toBe('within-attack');
    expect(attacks.map(({ name }: { name: string }) => name)).toEqual([
      'multi-targeted-3',
      'weak',
      'fgsm',
    ]);
    for (const { attacked } of attacks) expect(attacked).toBe(48);
    expect(attacks[0].targetedSuccess.total).toBe(48);
    expect(attacks[1].targetedSuccess).toBe(null);
  });

  it('of the field take the steps of the command line', async () => {
    const [, ...args] = evalStripes(run, '--suite', 'standard', '--steps', '3', '--examples', '4');
    const { attacks, provenance } = await evaluated(...args);
    const names = attacks.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['fgsm', 'pgd-10', 'apgd-ce', 'apgd-t', 'square-5000']);
    expect(provenance.attacks[2].settings).toMatchObject({ steps: 3 });
  });

  it('of the paper take the steps and restarts of the command line', async () => {
    const [, ...args] = evalStripes(run, '--suite', 'paper', '--steps', '4', '--restarts', '2');
    const { attacks } = await evaluated(...args, '--examples', '8');
    expect(attacks.map(({ name }: { name: string }) => name)).toEqual([
      'fgsm-20',
      'pgd-50',
      'untargeted-4',
      'multi-targeted-4',
    ]);
  });
});

describe('what people see', () => {
  it('a table of what each attack did, and where the results are', async () => {
    const { stdout, stderr } = await llrHere(evalStripes(run, '--attack-file', ownAttack));
    const { attacks, robust, clean } = read(join(run, 'evaluation.json'));
    expect(stdout).toMatch(/stripes, test, 48 images, ε = 0\.2 \(ℓ∞\), seed 0/);
    for (const { name, attacked, broken } of attacks) {
      expect(stdout).toMatch(new RegExp(`${name} .* % ± .* ${attacked} .* ${broken} `));
    }
    expect(stdout).toMatch(
      new RegExp(
        `worst case .* ${(100 * robust.value).toFixed(1)} % .* ${clean.correct - robust.correct} `,
      ),
    );
    expect(stdout).toMatch(/n = 48, 95 % interval \d+\.\d to \d+\.\d %/);
    expect(stderr).toMatch(/attacking .*100 %.*tries\/s.*left.*robust: .* of 48/);
    expect(stderr).toContain(`Per-example results: ${join(run, 'evaluation.json')}`);
  });
});

describe('--save-adversarial', () => {
  it('keeps images that the network takes for another class, in safetensors and PNG', async () => {
    const folder = join(root, 'found');
    const [, ...args] = evalStripes(run, '--attack-file', ownAttack, '--save-adversarial', folder);
    const { examples } = await evaluated(...args);
    const broken = examples.filter(
      ({ brokenBy }: { brokenBy: string | null }) => brokenBy !== null && brokenBy !== 'clean',
    );
    expect(broken.length).toBeGreaterThan(5);
    expect(readdirSync(folder).sort()).toEqual([
      'adversarial-1-of-1.png',
      'adversarial-1-of-1.safetensors',
      'adversarial.json',
    ]);
    const listed = read(join(folder, 'adversarial.json'));
    expect(listed).toMatchObject({ classifier: 'small-conv-net', norm: 'linf', epsilon: '0.2' });
    expect(
      listed.examples.map(({ index, label, attack }: Record<string, unknown>) => [
        index,
        label,
        attack,
      ]),
    ).toEqual(
      broken.map(({ index, label, brokenBy }: Record<string, unknown>) => [index, label, brokenBy]),
    );

    const bytes = readFileSync(join(folder, 'adversarial-1-of-1.safetensors'));
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
    const array = (name: string) => {
      const [begin, end] = header[name].data_offsets.map((at: number) => 8 + length + at);
      const { buffer } = new Uint8Array(bytes.subarray(begin, end));
      return header[name].dtype === 'F32' ? new Float32Array(buffer) : new Int32Array(buffer);
    };
    expect(header.image.shape).toEqual([broken.length, 8, 8, 1]);
    expect([...array('index')]).toEqual(broken.map(({ index }: { index: number }) => index));
    const [images, perturbations] = [array('image'), array('perturbation')];
    perturbations.forEach((change, at) => {
      expect(Math.abs(change)).toBeLessThanOrEqual(0.2 + 1e-6);
      expect(images[at]! + change).toBeGreaterThanOrEqual(-1e-6);
      expect(images[at]! + change).toBeLessThanOrEqual(1 + 1e-6);
    });
    const labels = array('label');
    array('prediction').forEach((prediction, row) => {
      expect(prediction).not.toBe(labels[row]);
    });

    const sheet = PNG.sync.read(readFileSync(join(folder, 'adversarial-1-of-1.png')));
    // The first pixel of the first image, after the gap, and of what the attack made of it.
    const pixel = (x: number) => sheet.data[4 * (4 * sheet.width + 4 + x)];
    expect(pixel(0)).toBe(Math.round(255 * images[0]!));
    expect(pixel(16)).toBe(
      Math.round(255 * Math.min(1, Math.max(0, images[0]! + perturbations[0]!))),
    );
  });
});

describe('refuses, in one sentence, and leaves nothing behind,', () => {
  const waves = ['--config', classifierConfig];
  const rubbish = (name: string, content: string) => {
    const file = join(root, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  it.each<[string, () => string[], number, RegExp]>([
    ['nothing to evaluate', () => [], 1, /Name what is to be evaluated/],
    ['what is not there', () => ['nowhere'], 1, /There is no nowhere/],
    ['a folder without a network', () => [photos], 1, /photos holds no finished run.*no model/],
    ['a file that is no network', () => [ownAttack], 1, /own-attack\.ts is neither .*--config/],
    ['a model without data and ε', () => [join(run, 'model')], 1, /name --data and --epsilon, for/],
    [
      'a model without ε',
      () => [join(run, 'model'), '--data', 'cifar10'],
      1,
      /name --epsilon, for/,
    ],
    [
      'weights without a config',
      () => [join(run, 'model', 'model.safetensors')],
      1,
      /weights alone.*--config/,
    ],
    [
      'an experiment without weights',
      () => ['--config', stripesConfig, '--data', 'fashion-mnist', '--epsilon', '0.1'],
      1,
      /exports an experiment, which has no weights yet/,
    ],
    [
      'a model.json that is none',
      () => [rubbish('no-model/model.json', '{}'), '--data', 'fashion-mnist', '--epsilon', '0.1'],
      1,
      /no-model\/model\.json is no model of TensorFlow\.js/,
    ],
    [
      'a model.json whose weights are missing',
      () => {
        const folder = join(root, 'no-weights');
        saveTfjs('layers', folder);
        rmSync(join(folder, 'group1-shard2of2.bin'));
        return [folder, '--data', 'fashion-mnist', '--epsilon', '0.1'];
      },
      1,
      /names .*group1-shard2of2\.bin for its weights, which is not there/,
    ],
    [
      'a model.json whose weights are cut off',
      () => {
        const folder = join(root, 'cut-off');
        saveTfjs('graph', folder);
        writeFileSync(join(folder, 'group1-shard2of2.bin'), new Uint8Array(8));
        return [folder, '--data', `folder:${photos}`, '--epsilon', '0.1'];
      },
      1,
      /cut-off\/model\.json: /,
    ],
    [
      'other images than the network takes',
      () => [...evalStripes(run, '--data', 'fashion-mnist').slice(1)],
      1,
      /takes 8 x 8 x 1 images of 3 classes, but fashion-mnist has 28 x 28 x 1 images of 10 classes/,
    ],
    [
      'a negative ε',
      () => [...waves, '--data', 'fashion-mnist', '--epsilon', '-0.1'],
      1,
      /--epsilon: ε must be a number from 0 to 1; got -0\.1/,
    ],
    [
      'an ε in grey levels',
      () => [...waves, '--data', 'fashion-mnist', '--epsilon', '8'],
      1,
      /--epsilon: .*8 \/ 255/,
    ],
    ['no steps', () => [run, '--steps', '0'], 2, /--steps.*1 or more/],
    ['no examples', () => [run, '--examples', '0'], 2, /--examples.*1 or more/],
    ['an unknown attack', () => [run, '--attacks', 'fgsm,tickle'], 2, /no attack "tickle"/],
    ['an attack named twice', () => [run, '--attacks', 'fgsm,fgsm'], 2, /"fgsm" is named twice/],
    ['an unknown suite', () => [run, '--suite', 'sweet'], 2, /sweet.*quick, paper, standard/],
    ['an unknown norm', () => [run, '--norm', 'l1'], 2, /l1.*linf, l2/],
    [
      'a suite and attacks',
      () => [run, '--suite', 'paper', '--attacks', 'fgsm'],
      1,
      /--suite or --attacks, not both/,
    ],
    [
      'restarts for the standard suite',
      () => [run, '--suite', 'standard', '--restarts', '3'],
      1,
      /--suite standard makes one start/,
    ],
    [
      'an attack file without an attack',
      () => [
        ...evalStripes(run).slice(1),
        '--attack-file',
        rubbish('attack.mjs', 'export default { name: "mine" };'),
      ],
      1,
      /attack\.mjs exports no attack: "mine" has no function runs/,
    ],
    [
      'a result in no folder',
      () => [...evalStripes(run, '--out', join(root, 'no', 'such', 'file.json')).slice(1)],
      1,
      /There is no folder .*such.*--out/,
    ],
  ])('%s', async (_what, args, code, message) => {
    rmSync(join(run, 'evaluation.json'), { force: true });
    const result = await llrHere(['eval', ...args()]);
    const lines = result.stderr
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('Engine: '));
    expect(result.code).toBe(code);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
    expect(result.stdout).toBe('');
    expect(readdirSync(run).filter((name) => name.startsWith('evaluation'))).toEqual([]);
  });

  it.each([
    ['a pixel out of [0, 1]', 'BAD_PIXEL', '1.5', /bad: example 3 has a pixel of 1\.5/],
    ['a pixel that is NaN', 'BAD_PIXEL', 'NaN', /bad: example 3 has a pixel of NaN/],
    ['a label that is no class', 'BAD_LABEL', '3', /bad: example 3 has label 3.*classes 0 to 2/],
  ])('%s, naming the example', async (_what, variable, value, message) => {
    vi.stubEnv(variable, value);
    const weights = join(root, 'bad', 'model.safetensors');
    cpSync(join(run, 'model', 'model.safetensors'), weights);
    const config = fileURLToPath(new URL('fixtures/bad-data.config.ts', import.meta.url));
    const found = join(root, 'bad', 'found');
    const options = ['--config', config, '--save-adversarial', found];
    const { code, stderr } = await llrHere(['eval', weights, ...options]);
    vi.unstubAllEnvs();
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(readdirSync(join(root, 'bad'))).toEqual(['found', 'model.safetensors']);
    expect(readdirSync(found)).toEqual([]);
  });

  it('an attack that leaves the ball, naming the example', async () => {
    const file = rubbish(
      'too-far.mjs',
      `import { mul, onesLike } from '${import.meta.resolve('@tensorflow/tfjs-core')}';
export default {
  name: 'too-far',
  runs: () => [{ name: 'only', restart: 0 }],
  perturb: ({ images }) => mul(onesLike(images), 0.0001 + 0.2),
};`,
    );
    const { code, stderr } = await llrHere(evalStripes(run, '--attack-file', file));
    expect(code).toBe(1);
    expect(stderr).toMatch(/Attack "too-far".*example 0/);
  });
});
