import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requires } from '../../../tools/requires.ts';
import { buildFolder, downloadFolder, recipe } from '../src/node/tensorflow/recipe.ts';
import { platformProblem } from '../src/node/tensorflow/requirements.ts';
import {
  buildEngine,
  type Fakes,
  makeFakes,
  runIn,
  startIn,
  zip,
} from './install-tensorflow-fakes.ts';

let fakes: Fakes;
beforeAll(buildEngine);
beforeEach(() => {
  fakes = makeFakes();
});
afterEach(() => fakes.remove());

const install = (options = '{}') => `
  import { installTensorFlow } from '@llr/engine/node';
  try {
    console.log(JSON.stringify(await installTensorFlow(${options})));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }`;

interface Outcome {
  error?: string;
  alreadyThere?: boolean;
  tensorflow?: string;
  folder?: string;
  gpuProblem?: string;
}

const installed = (options?: string, env?: NodeJS.ProcessEnv): Outcome =>
  JSON.parse(runIn(fakes, install(options), env));

const useEngine = `
  import { useEngine } from '@llr/engine/node';
  import { add, tensor1d } from '@tensorflow/tfjs-core';
  const { name, version, skipped } = await useEngine();
  const sum = Array.from(add(tensor1d([1]), 1).dataSync());
  console.log(JSON.stringify({ name, version, sum, skipped }));`;

const engineTaken = (env?: NodeJS.ProcessEnv) =>
  JSON.parse(runIn(fakes, useEngine, env)) as {
    name: string;
    version: string;
    sum: number[];
    skipped: { name: string; reason: string }[];
  };

const inCache = (folder: string) => join(fakes.cache, basename(folder));
const wheelFile = (kind: string) =>
  join(fakes.wheels, `${kind}-${recipe.tensorflow}-cp312-cp312-any.whl`);

describe.skipIf(platformProblem() !== undefined)('installTensorFlow', () => {
  test('downloads, builds, proves; useEngine takes the build; a second install does nothing', () => {
    expect(installed()).toMatchObject({ alreadyThere: false, tensorflow: recipe.tensorflow });
    expect(fakes.ran()).toEqual(['npm', 'npm', 'pip', 'c++', 'c++']);
    expect(readdirSync(fakes.cache)).toEqual([basename(buildFolder('cpu'))]);
    const files = readdirSync(inCache(buildFolder('cpu')), { recursive: true });
    expect(files).toContain('tensorflow/libtensorflow_cc.so.2');
    expect(files.filter((file) => /left_out|_test|c_api/.test(String(file)))).toEqual([]);
    expect(engineTaken()).toMatchObject({
      name: 'tensorflow',
      version: recipe.tensorflow,
      sum: [2],
    });

    expect(installed()).toMatchObject({ alreadyThere: true });
    expect(fakes.ran()).toEqual([]);

    runIn(fakes, `import { uninstallTensorFlow } from '@llr/engine/node'; uninstallTensorFlow();`);
    expect(readdirSync(fakes.cache)).toEqual([]);
    expect(engineTaken().skipped).toContainEqual({
      name: 'tensorflow',
      reason: 'not installed: llr engine install',
    });
  });

  test('takes given files, without pip or npm', () => {
    fakes.program('pip', undefined);
    fakes.program('npm', undefined);
    expect(installed().error).toMatch(/There is no pip.*--wheel/);
    expect(installed(`{ wheel: ${JSON.stringify(fakes.wheels)} }`).error).toBeUndefined();
    rmSync(fakes.cache, { recursive: true });
    rmSync(join(fakes.wheels, `tensorflow-tfjs-node-${recipe.tfjsNode}.tgz`));
    expect(installed(`{ wheel: ${JSON.stringify(wheelFile('tensorflow_cpu'))} }`).error).toMatch(
      /tensorflow-tfjs-node-.*npm pack @tensorflow\/tfjs-node@/,
    );
  });

  test('a build that is not whole is neither taken nor left, but replaced', () => {
    installed();
    truncateSync(join(inCache(buildFolder('cpu')), 'tensorflow/libtensorflow_cc.so.2'), 3);
    const { name, skipped } = engineTaken();
    expect(name).not.toBe('tensorflow');
    expect(skipped.find((other) => other.name === 'tensorflow')!.reason).toBe(
      'broken, its file tensorflow/libtensorflow_cc.so.2 is missing or not whole: llr engine install',
    );
    expect(installed()).toMatchObject({ alreadyThere: false });
    expect(engineTaken().name).toBe('tensorflow');
  });

  test.each([
    ['a wheel cut off', (file: string) => truncateSync(file, 200), /no wheel, or not whole/],
    [
      'a library other than its hash says',
      (file: string) =>
        writeFileSync(
          file,
          zip({
            'tensorflow/libtensorflow_cc.so.2': 'a changed library',
            'tensorflow_cpu.dist-info/RECORD': `tensorflow/libtensorflow_cc.so.2,sha256=${'A'.repeat(43)},9\n`,
          }),
        ),
      /sha256 of tensorflow\/libtensorflow_cc\.so\.2/,
    ],
  ])('%s is refused, and fetched anew the next time', (_what, damage, message) => {
    const good = readFileSync(wheelFile('tensorflow_cpu'));
    damage(wheelFile('tensorflow_cpu'));
    expect(installed().error).toMatch(message);
    expect(existsSync(inCache(buildFolder('cpu')))).toBe(false);
    writeFileSync(wheelFile('tensorflow_cpu'), good);
    expect(installed()).toMatchObject({ alreadyThere: false });
  });

  test.each([
    ['no compiler', () => fakes.program('c++', undefined), /no C\+\+17 compiler.*CXX/],
    [
      'a compiler that fails',
      () =>
        fakes.program(
          'c++',
          'for a; do [ "$a" = -fsyntax-only ] && exit 0; done; echo "no room" >&2; exit 1',
        ),
      /could not compile the addon.*\n {2}no room/,
    ],
    [
      'a pip that finds nothing',
      () =>
        fakes.program(
          'pip',
          '[ "$1" = --version ] || { echo "No matching distribution" >&2; exit 1; }',
        ),
      /pip could not get tensorflow-cpu==.*\n {2}No matching distribution/,
    ],
    [
      'an addon that does not load',
      () => appendFileSync(join(fakes.folder, 'addon.cjs'), 'throw new Error("GLIBCXX missing");'),
      /does not load:[\s\S]*GLIBCXX missing/,
    ],
    [
      'a TensorFlow that computes wrongly',
      () => appendFileSync(join(fakes.folder, 'addon.cjs'), wrongConvolution),
      /but computes \{.*\} where \{.*\} is right/,
    ],
  ])('%s: an error that says so, and no build', (_what, spoil, message) => {
    spoil();
    expect(installed().error).toMatch(message);
    expect(existsSync(inCache(buildFolder('cpu')))).toBe(false);
    const left = existsSync(fakes.cache) ? readdirSync(fakes.cache) : [];
    expect(left.filter((name) => name.startsWith('staging'))).toEqual([]);
  });

  test.each([
    ['download', 'SLOW_PIP', 'pip', ['npm', 'npm', 'pip', 'c++', 'c++']],
    ['compilation', 'SLOW_COMPILER', 'c++', ['c++', 'c++']],
  ])(
    'killed during the %s: no build, and the next install goes on from there',
    async (_what, slow, reached, rest) => {
      const child = startIn(fakes, install(), { [slow]: '1' });
      const seen: string[] = [];
      while (!seen.includes(reached)) {
        await new Promise((done) => setTimeout(done, 50));
        seen.push(...fakes.ran());
      }
      process.kill(-child.pid!, 'SIGKILL');
      await new Promise((done) => child.on('close', done));
      expect(existsSync(inCache(buildFolder('cpu')))).toBe(false);
      expect(engineTaken().name).not.toBe('tensorflow');
      expect(installed()).toMatchObject({ alreadyThere: false });
      expect(fakes.ran()).toEqual(slow === 'SLOW_PIP' ? rest.slice(2) : rest);
      expect(readdirSync(fakes.cache)).toEqual([basename(buildFolder('cpu'))]);
      expect(existsSync(inCache(downloadFolder()))).toBe(false);
    },
  );

  test('two installs at once don’t disturb one another', async () => {
    const both = [0, 1].map(() => startIn(fakes, install()));
    await Promise.all(both.map((child) => new Promise((done) => child.on('close', done))));
    expect(engineTaken().name).toBe('tensorflow');
    expect(readdirSync(fakes.cache)).toEqual([basename(buildFolder('cpu'))]);
  });

  test('with CUDA: NVIDIA’s libraries lie where TensorFlow looks for them, and without a driver it is not taken', () => {
    const { gpuProblem, error } = installed('{ gpu: true }', { CUDA_VISIBLE_DEVICES: '0' });
    expect(error).toBeUndefined();
    expect(gpuProblem).toBe('this machine has no NVIDIA driver');
    const gpu = inCache(buildFolder('gpu'));
    expect(readFileSync(join(gpu, 'nvidia/cudnn/lib/libcudnn.so.9'), 'utf8')).toBe('cuDNN');
    expect(existsSync(join(gpu, 'nvidia/cudnn/include'))).toBe(false);
    expect(engineTaken().skipped[0]).toEqual({
      name: 'tensorflow-gpu',
      reason: 'no NVIDIA driver',
    });

    fakes.program('nvidia-smi', 'echo 570.86.15');
    expect(engineTaken().skipped[0]!.reason).toMatch(/no GPU that it can use \(driver 570\.86\.15/);
    const backend = join(gpu, 'tfjs-node/nodejs_kernel_backend.js');
    const usesGpu = readFileSync(backend, 'utf8').replace('{};', '{ isUsingGpuDevice = true; };');
    // Of the same length, or the build would not count as whole.
    writeFileSync(backend, usesGpu);
    const manifest = JSON.parse(readFileSync(join(gpu, 'manifest.json'), 'utf8'));
    manifest.files['tfjs-node/nodejs_kernel_backend.js'] = usesGpu.length;
    writeFileSync(join(gpu, 'manifest.json'), JSON.stringify(manifest));
    expect(engineTaken()).toMatchObject({ name: 'tensorflow-gpu', sum: [2] });
    expect(JSON.parse(readFileSync(join(gpu, 'gpu-proof.json'), 'utf8'))).toEqual({
      driver: '570.86.15',
    });
    expect(engineTaken({ CUDA_VISIBLE_DEVICES: '-1' }).skipped[0]!.reason).toMatch(/hides every/);
  });
});

/** The ones that the known convolution is of become zeros. */
const wrongConvolution = `
const core = globalThis[Symbol.for('llr.tfjs-core')];
core.ones = (shape) => core.zeros(shape);
`;

describe('the native TensorFlow of this machine', () => {
  test('computes on as many threads as asked for', ({ skip }) => {
    requires('tensorflow', skip);
    const cpuSeconds = `
      import { useEngine } from '@llr/engine/node';
      import { matMul, ones } from '@tensorflow/tfjs-core';
      const { name } = await useEngine({ prefer: 'tensorflow', threads: 1 });
      const x = ones([1024, 1024]);
      matMul(x, x).dataSync();
      const [began, before] = [performance.now(), process.cpuUsage()];
      for (let i = 0; i < 5; i++) matMul(x, x).dataSync();
      const { user, system } = process.cpuUsage(before);
      const late = await useEngine({ threads: 2, prefer: 'tensorflow' }).catch((error) => error.message);
      console.log(JSON.stringify({ name, cores: (user + system) / 1000 / (performance.now() - began), late }));`;
    const env = { LLR_CACHE: process.env.LLR_CACHE ?? '', NODE_OPTIONS: '' };
    const { name, cores, late } = JSON.parse(runIn(fakes, cpuSeconds, env));
    expect(name).toBe('tensorflow');
    expect(cores).toBeLessThan(1.3);
    expect(late).toMatch(/threads are chosen when it is loaded/);
  });
});
