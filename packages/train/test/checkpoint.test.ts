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
import { scalar, type Tensor, tensor, variable } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CheckpointContent,
  readCheckpoint,
  restoreState,
  writeCheckpoint,
} from '../src/checkpoints/checkpoint.ts';
import { newestCheckpoint, rotateCheckpoints } from '../src/checkpoints/checkpoint-folders.ts';
import { replaceFolder } from '../src/checkpoints/replace-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-checkpoint-'));
afterAll(() => rmSync(root, { recursive: true }));

const content = (step: number): CheckpointContent => ({
  step,
  settings: { seed: 3, train: { batchSize: 6, learningRate: 0.1 } },
  means: [
    ['objective', 0.1 + 0.2, 3],
    ['loss', 1e-300, 2],
  ],
  metrics: { bytes: 12, sha256: 'of them' },
  best: { step: 2, epoch: 1, 'validation robust accuracy': 1 / 3 },
  engine: 'wasm',
  source: { git: null },
  llr: '0.1.0',
  node: 'v22.0.0',
  seconds: 12.5,
});

const named = (tensors: Record<string, Tensor>) =>
  Object.entries(tensors).map(([name, value]) => ({ name, variable: variable(value, false) }));

const state = () =>
  named({
    'conv/weights': tensor([0.1, -0, 1e-38, 3.4e38, 1e-45, 7], [1, 2, 3]),
    'optimizer/velocity/conv/weights': tensor([1, 2, 3, 4, 5, 6], [1, 2, 3]),
    'optimizer/correction-1': scalar(0.1),
  });

const values = (of: ReturnType<typeof state>) =>
  of.map(({ variable: { shape }, variable: held }) => [shape, [...held.dataSync()]]);

describe('a checkpoint', () => {
  it('gives back what was written, to the bit', async () => {
    const folder = join(root, 'there-and-back');
    await writeCheckpoint(folder, content(7), state());
    const read = await readCheckpoint(folder);
    expect(read).toEqual({ folder, content: content(7) });
    const zeros = named(
      Object.fromEntries(
        state().map(({ name, variable: { size, shape } }) => [
          name,
          tensor(new Float32Array(size), shape),
        ]),
      ),
    );
    await restoreState(read, zeros);
    expect(values(zeros)).toEqual(values(state()));
  });

  it('is refused by variables that are others', async () => {
    const folder = join(root, 'others');
    await writeCheckpoint(folder, content(7), state());
    const other = named({ 'conv/weights': tensor([1, 2], [2]) });
    await expect(restoreState(await readCheckpoint(folder), other)).rejects.toThrow(
      /shape: conv\/weights is \[1, 2, 3\], not \[2\].*extra: optimizer\/correction-1/s,
    );
  });

  it('is not written with values that are not finite, and an older one stays', async () => {
    const folder = join(root, 'not-finite');
    await writeCheckpoint(folder, content(7), state());
    const broken = named({ weights: tensor([1, Number.NaN]) });
    await expect(writeCheckpoint(folder, content(8), broken)).rejects.toThrow(/NaN at element 1/);
    expect((await readCheckpoint(folder)).content.step).toBe(7);
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('a damaged checkpoint', () => {
  const folder = join(root, 'good');
  const files = ['checkpoint.json', 'state.safetensors'] as const;
  const bytes = new Map<string, Buffer>();
  beforeAll(async () => {
    await writeCheckpoint(folder, content(7), state());
    expect(readdirSync(folder).sort()).toEqual([...files]);
    for (const name of files) bytes.set(name, readFileSync(join(folder, name)));
  });

  /** Reads the checkpoint with one of its files changed. */
  async function readWith(name: string, changed: Buffer) {
    writeFileSync(join(folder, name), changed);
    try {
      return await readCheckpoint(folder);
    } finally {
      writeFileSync(join(folder, name), bytes.get(name)!);
    }
  }

  it.each(files)('is found out wherever %s is cut off', async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.get(name)!.length - 1), async (length) => {
        // All but the newline at the end of the description.
        fc.pre(bytes.get(name)!.subarray(length).toString() !== '\n');
        await expect(readWith(name, bytes.get(name)!.subarray(0, length))).rejects.toThrow();
      }),
    );
  });

  it.each(files)('is found out, or harmless, whichever byte of %s is another', async (name) => {
    const original = bytes.get(name)!;
    let harmless = 0;
    const at = fc.nat(original.length - 1);
    await fc.assert(
      fc.asyncProperty(at, fc.integer({ min: 1, max: 255 }), async (place, mask) => {
        const changed = Buffer.from(original);
        changed[place]! ^= mask;
        const read = await readWith(name, changed).catch(() => undefined);
        if (!read) return;
        // White space between the numbers of a description.
        expect(read.content).toEqual(content(7));
        harmless += 1;
      }),
      { numRuns: 300 },
    );
    if (name === 'state.safetensors') expect(harmless).toBe(0);
  });

  it.each(files)('is found out without %s', async (name) => {
    const copy = join(root, `without-${name}`);
    cpSync(folder, copy, { recursive: true });
    rmSync(join(copy, name));
    await expect(readCheckpoint(copy)).rejects.toThrow(/ENOENT/);
  });

  it('of a format to come is not misread', async () => {
    const text = bytes.get('checkpoint.json')!.toString().replace('"format": 1', '"format": 2');
    await expect(readWith('checkpoint.json', Buffer.from(text))).rejects.toThrow(
      /has the format 2; 1 is understood/,
    );
  });
});

describe('the newest checkpoint', () => {
  it('is found by its number, and damaged ones are passed over', async () => {
    const checkpoints = join(root, 'several');
    for (const step of [9, 10, 100]) {
      await writeCheckpoint(join(checkpoints, `step-${step}`), content(step), state());
    }
    mkdirSync(join(checkpoints, 'step-200.abc.tmp'));
    const warnings: string[] = [];
    const warn = (message: string) => void warnings.push(message);
    expect((await newestCheckpoint(checkpoints, warn))!.content.step).toBe(100);
    expect(warnings).toEqual([]);
    writeFileSync(join(checkpoints, 'step-100', 'checkpoint.json'), '{}');
    expect((await newestCheckpoint(checkpoints, warn))!.content.step).toBe(10);
    expect(warnings).toHaveLength(1);
    await rotateCheckpoints(checkpoints, 2);
    expect(readdirSync(checkpoints).sort()).toEqual(['step-10', 'step-100', 'step-200.abc.tmp']);
  });

  it('is none where there is no folder', async () => {
    expect(await newestCheckpoint(join(root, 'nowhere'), () => {})).toBeUndefined();
  });
});

describe('a folder', () => {
  const write = (name: string) => async (folder: string) =>
    writeFileSync(join(folder, name), 'new');

  it('is replaced as a whole', async () => {
    const folder = join(root, 'replaced');
    await replaceFolder(folder, write('old'));
    await replaceFolder(folder, write('new'));
    expect(readdirSync(folder)).toEqual(['new']);
    expect(readdirSync(root).filter((name) => name.startsWith('replaced'))).toEqual(['replaced']);
  });

  it('stays as it was when writing fails half way', async () => {
    const folder = join(root, 'stays');
    await replaceFolder(folder, write('old'));
    const fails = replaceFolder(folder, async (temporary) => {
      await write('new')(temporary);
      throw new Error('half way');
    });
    await expect(fails).rejects.toThrow('half way');
    expect(readdirSync(folder)).toEqual(['old']);
    expect(readdirSync(root).filter((name) => name.startsWith('stays'))).toEqual(['stays']);
  });
});
