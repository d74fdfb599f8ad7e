import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadWasm, wasmThreads } from '../src/node/wasm.ts';

// Real processes: threads must keep none from starting, and none alive.
const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(packageFolder, '../../node_modules/.engine-threads-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  await build({
    config: false,
    entry: { wasm: join(packageFolder, 'src/node/wasm.ts') },
    format: ['esm'],
    outDir: folder,
    external: [/^@tensorflow\//],
    silent: true,
  });
});

/** A process that computes with the threads asked for, prints a line of JSON, and ends in a way of its own. */
function run(threads: number, end = '', begin = '') {
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `import { createHash } from 'node:crypto';
     import { conv2d, matMul, mul, randomNormal, setBackend, softmax, sum } from '@tensorflow/tfjs-core';
     ${begin}
     const { loadWasm, wasmThreads } = await import('./wasm.js');
     const before = [...Object.keys(globalThis), process.listenerCount('uncaughtException')].join();
     await loadWasm({ threads: ${threads} });
     const found = wasmThreads();
     const after = [...Object.keys(globalThis), process.listenerCount('uncaughtException')].join();
     await setBackend('wasm');
     const hash = createHash('md5');
     const use = (x) => hash.update(x.dataSync());
     const x = randomNormal([8, 15, 13, 24], 0, 1, 'float32', 1);
     const w = randomNormal([3, 3, 24, 40], 0, 1, 'float32', 2);
     for (const stride of [1, 2]) use(conv2d(x, w, stride, 'same'));
     use(softmax(matMul(randomNormal([70, 300], 0, 1, 'float32', 3), randomNormal([300, 90], 0, 1, 'float32', 4))));
     use(sum(mul(x, x), [1, 2]));
     console.log(JSON.stringify({ found, hash: hash.digest('hex'), untouched: before === after }));
     ${end}`,
  );
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, signal, stderr, ...JSON.parse(stdout.trim().split('\n').at(-1) || '{}') };
}

test('gives the same numbers to the bit whatever the threads, and ends by itself', () => {
  const [one, two, five] = [1, 2, 5].map((threads) => run(threads));
  for (const [i, process] of [one, two, five].entries()) {
    expect(process).toMatchObject({ status: 0, signal: null, stderr: '' });
    expect(process.found).toEqual({ threads: [1, 2, 5][i] });
  }
  expect(two.hash).toBe(one.hash);
  expect(five.hash).toBe(one.hash);
  expect(two.untouched).toBe(true);
});

test.each([
  ['an error', "throw new Error('mine');", 1, /Error: mine/],
  ['a rejection', "Promise.reject(new Error('mine'));", 1, /Error: mine/],
  ['process.exit', 'process.exit(3);', 3, /^$/],
  ['process.exitCode', 'process.exitCode = 4;', 4, /^$/],
])('with threads running, %s ends the process as it would without', (_, end, status, stderr) => {
  const ended = run(2, end);
  expect(ended).toMatchObject({ status, signal: null, found: { threads: 2 } });
  expect(ended.stderr).toMatch(stderr);
  expect(ended.stderr.length).toBeLessThan(1000);
});

test('where threads fail, it runs with one and says why', () => {
  const none = `import threads from 'node:worker_threads';
    import { syncBuiltinESMExports } from 'node:module';
    threads.Worker = class { constructor() { throw new Error('no workers here'); } };
    syncBuiltinESMExports();`;
  const alone = run(2, '', none);
  expect(alone).toMatchObject({ status: 0, found: { threads: 1 } });
  expect(alone.found.reason).toBe("2 threads can't be started: no workers here");
  const failing = `import threads from 'node:worker_threads';
    import { syncBuiltinESMExports } from 'node:module';
    const { Worker } = threads;
    threads.Worker = class extends Worker { constructor(source, options) { super('throw new Error("out of luck")', options); } };
    syncBuiltinESMExports();`;
  expect(run(2, '', failing)).toMatchObject({
    status: 0,
    found: { threads: 1, reason: "2 threads can't be started: out of luck" },
    hash: alone.hash,
  });
});

test('the first call decides, and a later one that wants another number is told', async () => {
  await loadWasm();
  const { threads } = wasmThreads()!;
  await loadWasm({ threads });
  expect(wasmThreads()).toEqual({ threads });
  await loadWasm({ threads: threads + 1 });
  expect(wasmThreads()).toEqual({ threads, reason: `it already runs with ${threads}` });
});

test.each([0, -1, 1.5, Number.NaN])('%s threads are an error', async (threads) => {
  await expect(loadWasm({ threads })).rejects.toThrow(RangeError);
});
