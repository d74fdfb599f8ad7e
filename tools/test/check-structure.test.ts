import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
// @ts-expect-error: a plain script, without types
import { problemsOf } from '../check-structure.mjs';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));
let root: string;

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

function makePackage(name: string, manifest: object, source = 'export {};\n') {
  for (const file of [
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'tsconfig.json',
    'tsup.config.ts',
    'vitest.config.ts',
  ]) {
    write(`packages/${name}/${file}`, '');
  }
  write(`packages/${name}/package.json`, JSON.stringify({ name: `@llr/${name}`, ...manifest }));
  write(`packages/${name}/src/index.ts`, source);
  mkdirSync(join(root, `packages/${name}/test`));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'structure-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('accepts an arrow downwards', () => {
  const source = "import { compile } from '@llr/engine';\nexport const make = compile;\n";
  makePackage('core', { dependencies: { '@llr/engine': '^0.0.0' } }, source);
  expect(problemsOf(root)).toEqual([]);
});

test('refuses an arrow upwards or sideways, declared or imported', () => {
  const source = "import {\n  wideResNet,\n} from '@llr/models';\nexport { wideResNet };\n";
  makePackage('attacks', { dependencies: { '@llr/train': '^0.0.0' } }, source);
  expect(problemsOf(root)).toEqual([
    'packages/attacks/package.json: attacks must not know train, which is not under it',
    'packages/attacks/src/index.ts: attacks must not know models, which is not under it',
    'packages/attacks/src/index.ts imports @llr/models, which its package.json does not list',
  ]);
});

test('sees a dynamic import, and one that package.json does not list', () => {
  makePackage('datasets', {}, "export const load = () => import('@llr/fashion-mnist');\n");
  expect(problemsOf(root)).toEqual([
    'packages/datasets/src/index.ts imports @llr/fashion-mnist, which its package.json does not list',
  ]);
});

test('refuses Node modules in a browser-safe package, but for the Node side of engine', () => {
  makePackage('core', {}, "import { join } from 'node:path';\nexport { join };\n");
  makePackage('engine', {}, "export * from 'fs/promises';\n");
  write('packages/engine/src/node/load.ts', "import 'node:util';\n");
  write('packages/engine/src/node.ts', "export {} from 'node:os';\n");
  expect(problemsOf(root).sort()).toEqual([
    'packages/core/src/index.ts imports node:path, but @llr/core also runs in a browser',
    'packages/engine/src/index.ts imports fs/promises, but @llr/engine also runs in a browser',
  ]);
});

test('misses a file, and an unknown package', () => {
  makePackage('core', {});
  rmSync(join(root, 'packages/core/README.md'));
  makePackage('extras', {});
  expect(problemsOf(root)).toEqual([
    'packages/core has no README.md',
    'packages/extras has no floor in tools/check-structure.mjs',
  ]);
});

test('finds the real engine sound', () => {
  const ignored = /\/(node_modules|dist)$/;
  cpSync(join(packages, 'engine'), join(root, 'packages/engine'), {
    recursive: true,
    filter: (path) => !ignored.test(path),
  });
  expect(problemsOf(root)).toEqual([]);
});
