import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
// @ts-expect-error: a plain script, without types
import { isInstalled, nodeProblem } from '../setup.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const lock = (path: string, packages: object) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), JSON.stringify({ packages }));
};
const wanted = (packages: object) => lock('package-lock.json', packages);
const installed = (packages: object) => lock('node_modules/.package-lock.json', packages);

test.each(['20.19.0', '20.20.2', '22.0.0', '24.11.1'])('Node %s will do', (version) => {
  expect(nodeProblem(version)).toBeUndefined();
});

test.each(['20.18.3', '18.20.8', '16.0.0'])(
  'Node %s is too old, and the message says so',
  (version) => {
    expect(nodeProblem(version)).toMatch(`needs Node 20.19 or later; this is Node ${version}`);
  },
);

test('nothing is installed where there is no node_modules', () => {
  wanted({ '': {}, 'node_modules/a': { version: '1.0.0' } });
  expect(isInstalled(folder)).toBe(false);
});

test('installed: the same versions; workspaces and what is optional do not count', () => {
  wanted({
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/@llr/core': { link: true },
    'node_modules/other-platform': { version: '1.0.0', optional: true },
  });
  installed({ 'node_modules/a': { version: '1.0.0' } });
  expect(isInstalled(folder)).toBe(true);
});

test('not installed: another version, or a package that is new', () => {
  wanted({ 'node_modules/a': { version: '1.0.1' } });
  installed({ 'node_modules/a': { version: '1.0.0' } });
  expect(isInstalled(folder)).toBe(false);
  wanted({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } });
  expect(isInstalled(folder)).toBe(false);
});
