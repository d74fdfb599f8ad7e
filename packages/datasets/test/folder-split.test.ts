import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, describe, expect, it } from 'vitest';
import { checkData, openData } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-folder-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A picture of one grey, 8 by 8. */
async function picture(path: string, grey: number) {
  const png = new PNG({ width: 8, height: 8 });
  png.data.fill(255);
  for (let i = 0; i < png.data.length; i++) if (i % 4 < 3) png.data[i] = grey;
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), PNG.sync.write(png));
}

describe('openData of a folder', () => {
  it('has a class be the same label in both splits, though the test split lacks one', async () => {
    await picture('pets/train/ant/1.png', 10);
    await picture('pets/train/bee/1.png', 20);
    await picture('pets/train/bee/2.png', 20);
    await picture('pets/val/bee/1.png', 51);
    const data = openData(`folder:${join(root, 'pets')}`, { size: 8, workers: 0 });
    const train = await checkData(await data.open('train'));
    expect(train.classes).toEqual([
      { name: 'ant', count: 1 },
      { name: 'bee', count: 2 },
    ]);
    const test = await checkData(await data.open('test'));
    expect(test.classes.map(({ count }) => count)).toEqual([0, 1]);
    for (const mean of test.mean) expect(mean).toBeCloseTo(0.2, 6);
  });

  it('takes a folder without splits for training images, and says what is missing for a test', async () => {
    await picture('flat/cat/1.png', 1);
    await writeFile(join(root, 'flat/cat/2.png'), 'no picture');
    const data = openData(`folder:${join(root, 'flat')}`, { size: 8, workers: 0 });
    const { size, damaged } = await checkData(await data.open('train'));
    expect(size).toBe(2);
    expect(damaged).toHaveLength(1);
    expect(damaged[0]!.message).toContain(join('cat', '2.png'));
    await expect(data.open('test')).rejects.toThrow(
      /has no test images: they should lie in a folder test, val/,
    );
  });
});
