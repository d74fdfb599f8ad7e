import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { afterAll, expect, test } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
// Inside node_modules, so that the built files find tfjs.
const folder = mkdtempSync(join(packageFolder, '../../node_modules/.engine-build-'));

afterAll(() => rmSync(folder, { recursive: true }));

test('the build keeps the gradient registrations: tfjs-core alone takes a second derivative with it', async () => {
  const entry = join(packageFolder, 'src/index.ts');
  await build({
    config: false,
    entry: { index: entry },
    format: ['esm'],
    outDir: folder,
    external: [/^@tensorflow\//],
    silent: true,
  });
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `import { gradientCheck } from './index.js';
     import '@tensorflow/tfjs-backend-cpu';
     import { exp, mul, tensor1d } from '@tensorflow/tfjs-core';
     const { first, second } = gradientCheck((x) => mul(x, exp(x)), tensor1d([0.2, -0.7]));
     console.log(JSON.stringify([first, second]));`,
  );
  const output = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  const [first, second] = JSON.parse(output.trim().split('\n').at(-1)!) as [number, number];
  expect(first).toBeLessThan(1e-3);
  expect(second).toBeLessThan(1e-3);
});
