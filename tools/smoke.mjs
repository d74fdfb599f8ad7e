// Proves that what would be published works where nothing of this repository is: packs every package, then
// installs the tarballs into an empty project and into copies of the examples; runs what the project needs, and each
// example's type check, tests and commands.
//
//   node tools/smoke.mjs
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, packages } from './build.mjs';
import { root, setUp } from './setup.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const rootManifest = readJson(join(root, 'package.json'));

function run(folder, program, args) {
  // LLR_ENGINE would leak this repository's choice into the project; a stranger has no native TensorFlow either.
  const { LLR_ENGINE, ...others } = process.env;
  const env = { ...others, LLR_CACHE: join(tmpdir(), 'llr-no-cache') };
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    env,
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const npm = (folder, ...args) =>
  process.env.npm_execpath
    ? run(folder, process.execPath, [process.env.npm_execpath, ...args])
    : run(folder, 'npm', args);

function assert(holds, sentence) {
  if (!holds) throw new Error(`Not so: ${sentence}`);
  console.log(`ok: ${sentence}`);
}

/** Runs a step and says what it shows; where the step fails, that it doesn't, beside what was printed. */
function step(sentence, work) {
  let result;
  try {
    result = work();
  } catch (error) {
    error.message = `Not so: ${sentence}\n${error.message}`;
    throw error;
  }
  console.log(`ok: ${sentence}`);
  return result;
}

/** Packs every package; gives the tarball of each, by name. */
function pack(folder) {
  const workspaces = packages().flatMap((name) => ['-w', `packages/${name}`]);
  const packed = JSON.parse(
    npm(root, 'pack', '--json', '--pack-destination', folder, ...workspaces),
  );
  for (const { name, files, size } of Object.values(packed)) {
    const paths = files.map(({ path }) => path);
    const strays = paths.filter((path) => /(^|\/)(test|fixtures|coverage)\/|\.test\./.test(path));
    const needed = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'];
    assert(
      strays.length === 0 && needed.every((path) => paths.includes(path)),
      `${name} packs what it needs and no test (${paths.length} files, ${(size / 1e6).toFixed(2)} MB)${strays.length ? `: found ${strays.slice(0, 3)}` : ''}`,
    );
  }
  return Object.fromEntries(
    Object.values(packed).map(({ name, filename }) => [name, `file:${join(folder, filename)}`]),
  );
}

/**
 * Installs the tarballs, and what they need from the registry, as a stranger would; what only tests need is part of an
 * example's manifest.
 */
function install(folder, manifest, tarballs) {
  const { engines } = rootManifest;
  const dependencies = { ...manifest.dependencies, ...tarballs };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', engines, ...manifest, dependencies }),
  );
  writeFileSync(
    join(folder, '.npmrc'),
    'engine-strict=true\nignore-scripts=true\naudit=false\nfund=false\n',
  );
  npm(folder, 'install', '--prefer-offline', '--no-package-lock');
}

const gradientScript = `
import { llr, localLinearity } from '@llr/core';
import { useEngine } from '@llr/engine/node';
import { smallConvNet } from '@llr/models';
import { abs, fill, mean, memory, sum, tensor1d, tidy, variableGrads } from '@tensorflow/tfjs-core';
const { name } = await useEngine({ prefer: 'wasm' });
const model = smallConvNet({ inputShape: [8, 8, 1], numClasses: 3 });
const images = fill([2, 8, 8, 1], 0.5), labels = tensor1d([0, 2], 'int32');
const perturbation = fill([2, 8, 8, 1], 0.05);
const before = memory().numTensors;
const norms = tidy(() => {
  const logits = (x) => model.forward(x, 'running').logits;
  const { grads } = variableGrads(() => mean(localLinearity({ logits, images, labels, perturbation }).error));
  return Object.values(grads).map((g) => sum(abs(g)).dataSync()[0]);
});
console.log(JSON.stringify({ name, norms, leaked: memory().numTensors - before, llr: llr({ lambda: 4, mu: 3 }).name }));
`;

// Decoded by a worker, without sharp, which isn't installed there.
const streamScript = `
import { imageFolder } from '@llr/datasets';
import { useEngine } from '@llr/engine/node';
await useEngine({ prefer: 'wasm' });
const source = await imageFolder('photographs', { size: 32, workers: 1 });
for await (const { images, labels } of source.batches({ batchSize: 2, epoch: 0, augment: true })) {
  const values = images.dataSync();
  console.log(JSON.stringify({ shape: images.shape, labels: [...labels.dataSync()], least: Math.min(...values), most: Math.max(...values) }));
}
`;

function stream(folder) {
  const photographs = join(root, 'packages/datasets/test/fixtures/photographs');
  for (const [name, file] of Object.entries({
    cat: 'n02123045_3.JPEG',
    phone: 'n03773504_3.JPEG',
  })) {
    cpSync(join(photographs, file), join(folder, 'photographs', name, file));
  }
  writeFileSync(join(folder, 'stream.js'), streamScript);
  const found = JSON.parse(lastLine(run(folder, process.execPath, ['stream.js'])));
  const { shape, labels, least, most } = found;
  assert(
    shape.join() === '2,32,32,3' &&
      labels.toSorted().join() === '0,1' &&
      least >= 0 &&
      least < most &&
      most <= 1,
    'an empty project reads photographs, decoded by a worker',
  );
}

function emptyProject(folder, tarballs) {
  mkdirSync(folder);
  install(folder, { dependencies: { '@tensorflow/tfjs-core': '^4.22.0' } }, tarballs);
  writeFileSync(join(folder, 'gradient.js'), gradientScript);
  const found = JSON.parse(lastLine(run(folder, process.execPath, ['gradient.js'])));
  const right =
    found.norms.length > 0 &&
    found.norms.every(Number.isFinite) &&
    found.norms.some((norm) => norm !== 0);
  assert(
    right && found.leaked === 0,
    'an empty project takes the gradient of a local linearity error in the weights',
  );
  stream(folder);

  const llr = (...args) => npm(folder, 'exec', '--', 'llr', ...args);
  assert(/train[\s\S]*eval[\s\S]*doctor/.test(llr('--help')), 'llr --help names the commands');
  const { engines } = JSON.parse(llr('doctor', '--json'));
  assert(
    engines.some(({ name, taken }) => name === 'wasm' && taken),
    'llr doctor --json takes wasm',
  );
}

/** Copies an example, installs it, checks its types and runs its tests. Gives a function that runs its scripts. */
function installExample(folder, name, tarballs) {
  const source = join(root, 'examples', name);
  cpSync(source, folder, {
    recursive: true,
    filter: (path) => !/[\\/](node_modules|runs)$/.test(path),
  });
  const script = (...args) => npm(folder, 'run', '--silent', ...args);
  step(`examples/${name} is installed`, () =>
    install(folder, readJson(join(source, 'package.json')), tarballs),
  );
  step(`examples/${name} has right types`, () => script('typecheck'));
  // A machine that is busy with others takes ten times as long.
  const patience = ['--testTimeout=240000', '--hookTimeout=240000'];
  step(`examples/${name} passes its tests`, () => script('test', '--', ...patience));
  return script;
}

function customRegularizer(folder, tarballs) {
  const script = installExample(folder, 'custom-regularizer', tarballs);
  const { results } = step('examples/custom-regularizer trains', () =>
    JSON.parse(script('train', '--', '--epochs', '1', '--json')),
  );
  const names = results.map(({ variant }) => variant);
  const runs = join(folder, 'runs/input-gradient-penalty');
  const record = readJson(join(runs, 'gradient-penalty/run.json'));
  assert(
    names.includes('nominal') && record.regularizers[0].name === 'input-gradient-penalty',
    'and does so with its own regulariser',
  );
  const accuracy = results[0].evaluation.clean;
  assert(accuracy.correct / accuracy.total > 0.4, 'and learns: far above chance after one epoch');
  assert(
    readFileSync(join(runs, 'report.html'), 'utf8').includes('gradient-penalty'),
    'and writes its report',
  );
}

function customAttack(folder, tarballs) {
  const script = installExample(folder, 'custom-attack', tarballs);
  step('examples/custom-attack trains', () => script('train', '--', '--epochs', '1', '--json'));
  // Of so few images the weaker attack may break none.
  for (const [name, access, attack, atLeast] of [
    ['attack', 'white-box', 'odi-pgd-20', 1],
    ['attack:black-box', 'black-box', 'nes-30', 0],
  ]) {
    const [{ evaluation }] = step(`examples/custom-attack: npm run ${name}`, () =>
      JSON.parse(script(name, '--', '--examples', '24', '--batch-size', '24', '--json')),
    );
    const [found, ...others] = evaluation.attacks;
    assert(
      others.length === 0 &&
        found.name === attack &&
        found.access === access &&
        found.attacked > 0 &&
        found.broken >= atLeast,
      `llr eval --attack-file evaluates by ${attack} alone, which breaks ${found.broken} images`,
    );
  }
  const compared = step('examples/custom-attack: npm run compare', () => script('compare'));
  assert(
    ['pgd-20', 'odi-pgd-20', 'nes-30', 'under all of them'].every((name) =>
      new RegExp(`^${name}: \\d+ of \\d+`, 'm').test(compared),
    ),
    'and a script compares its attacks with PGD',
  );
}

const lastLine = (text) => text.trim().split('\n').at(-1);

setUp();
build();
const folder = mkdtempSync(join(tmpdir(), 'llr-smoke-'));
try {
  const tarballs = pack(folder);
  emptyProject(join(folder, 'empty'), tarballs);
  customRegularizer(join(folder, 'custom-regularizer'), tarballs);
  customAttack(join(folder, 'custom-attack'), tarballs);
} catch (error) {
  console.error(`${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
