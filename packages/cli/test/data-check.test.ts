import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { llrHere } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-check-'));
afterAll(() => rmSync(root, { recursive: true }));

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

it('llr data check counts classes and pixels, and draws a sheet', async () => {
  const sheet = join(root, 'sheet.png');
  const args = ['data', 'check', 'fashion-mnist', '--split', 'test', '--sheet', sheet];
  const { code, stdout } = await llrHere(args);
  expect(code).toBe(0);
  expect(stdout).toContain('fashion-mnist, test: 10,000 images of 28 x 28 x 1, 10 classes');
  // As published for Fashion-MNIST's test images.
  expect(stdout).toContain('mean 0.2868; std 0.3524');
  expect(stdout.match(/ 1000 +█{30}/g)).toHaveLength(10);
  expect(stdout).toContain('every image can be read');
  expect(readFileSync(sheet).subarray(0, 4)).toEqual(pngSignature);
});

it('llr data check lists damaged images by their files, and exits with 1', async () => {
  const folder = join(root, 'pets', 'cat');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'not-one.jpg'), 'an error page');
  const { code, stdout } = await llrHere([
    'data',
    'check',
    `folder:${join(root, 'pets')}`,
    '--size',
    '8',
    '--json',
  ]);
  expect(code).toBe(1);
  const { size, damaged, mean } = JSON.parse(stdout);
  expect([size, mean]).toEqual([1, []]);
  expect(damaged).toEqual([{ index: 0, message: expect.stringContaining('not-one.jpg') }]);
});

it('llr data bench measures images a second, and the wait of a training loop', async () => {
  const args = ['data', 'bench', 'fashion-mnist', '--seconds', '1', '--step', '20', '--json'];
  const { code, stdout } = await llrHere(args);
  expect(code).toBe(0);
  const { imagesPerSecond, waitShare, step } = JSON.parse(stdout);
  expect(imagesPerSecond).toBeGreaterThan(0);
  expect(waitShare).toBeGreaterThan(0);
  expect(waitShare).toBeLessThan(1);
  expect(step).toBe(20);
});

it.each([
  [['data', 'check', 'imagenet'], 'should be written imagenet:PATH'],
  [['data', 'check', 'folder:/no/such/folder'], 'There is no folder /no/such/folder'],
  [['data', 'bench', 'fashion-mnist', '--split', 'val'], 'Allowed choices are train, test'],
])('%j is refused', async (args, message) => {
  const { code, stderr } = await llrHere(args);
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
});
