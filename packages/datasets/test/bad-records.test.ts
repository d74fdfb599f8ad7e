import { execFileSync } from 'node:child_process';
import { unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type RecordSource, whereabouts } from '@llr/datasets';
import { dispose } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { collect, indicesOf } from './helpers.ts';
import { damaged, deadly, endless, endlessBegun } from './raw-preprocessing.ts';
import { bytesOf, rawRecords, rawSource, temporaryFolder } from './raw-records.ts';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const training = { batchSize: 10, epoch: 1, seed: 3, augment: true };

let warned: string[] = [];
beforeEach(() => {
  warned = [];
  const warn = vi.spyOn(console, 'warn').mockImplementation((text) => void warned.push(text));
  return () => warn.mockRestore();
});

const failure = (reading: Promise<unknown>): Promise<Error> =>
  reading.then(
    () => expect.fail('nothing was thrown'),
    (error: Error) => error,
  );

describe('a damaged record', () => {
  it('is refused, with its place and what is wrong, in evaluation and where that is asked for', async () => {
    const records = await rawRecords(40, { 23: damaged });
    const message = `raw, train: ${whereabouts(records, 23)}: its first byte is 255.`;
    for (const workers of [0, 2]) {
      const skipping = await rawSource(records, { workers });
      expect((await failure(collect(skipping, { batchSize: 10 }))).message).toBe(message);
      const strict = await rawSource(records, { workers, onBad: 'error' });
      expect((await failure(collect(strict, training))).message).toBe(message);
      expect(skipping.badRecords()).toEqual([]);
    }
  });

  it('comes in its batch: those before it are delivered', async () => {
    const source = await rawSource(await rawRecords(40, { 23: damaged }), { prefetch: 4 });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { images, labels, indices } of source.batches({ batchSize: 10 })) {
        seen.push(...indices);
        dispose([images, labels]);
      }
    })();
    await failure(reading);
    expect(seen).toEqual(range(20));
  });

  it('is skipped in training: a substitute by (seed, epoch, index), the rest as they were', async () => {
    const bad = { 4: damaged, 17: damaged, 18: damaged };
    const intact = await rawSource(await rawRecords(40), { workers: 0 });
    const source = await rawSource(await rawRecords(40, bad), { workers: 2, maxBadFraction: 0.1 });
    const of = async (each: RecordSource, epoch: number) =>
      indicesOf(await collect(each, { ...training, epoch }));
    const substitutes = [];
    for (const epoch of [0, 1, 2]) {
      const [whole, found] = [await of(intact, epoch), await of(source, epoch)];
      const replaced = whole.flatMap((index, place) => (found[place] === index ? [] : [place]));
      expect(replaced.map((place) => whole[place]).sort()).toEqual([17, 18, 4]);
      for (const place of replaced) expect(Object.keys(bad)).not.toContain(String(found[place]));
      substitutes.push(replaced.map((place) => found[place]));
      expect(await of(source, epoch)).toEqual(found);
    }
    expect(new Set(substitutes.map(String)).size).toBeGreaterThan(1);
    const listed = source.badRecords();
    expect(listed.map(({ index }) => index).sort()).toEqual([17, 18, 4]);
    expect(listed[0]!.message).toContain(': its first byte is 255.');
    expect(warned).toHaveLength(3);
    expect(warned[0]).toContain('raw, train: a damaged record is skipped: ');
  });

  it("of a part is replaced by one of that part's", async () => {
    const records = await rawRecords(60, { 3: damaged, 7: damaged });
    const source = await rawSource(records, { workers: 1, maxBadFraction: 0.5 });
    for (let epoch = 0; epoch < 6; epoch++) {
      const batches = await collect(source.part(0, 20), { ...training, epoch });
      expect(indicesOf(batches).every((index) => index < 20)).toBe(true);
    }
  });

  it('is one too many where more than maxBadFraction are', async () => {
    const records = await rawRecords(40, { 4: damaged, 17: damaged, 30: damaged });
    const source = await rawSource(records, { workers: 1, maxBadFraction: 0.05 });
    const { message } = await failure(collect(source, training));
    expect(message).toContain(
      'raw, train: 3 damaged records, more than maxBadFraction allows (2). The last one: ',
    );
    // Once there are too many, there are too many.
    expect((await failure(collect(source, training))).message).toContain('3 damaged records');
  });

  it('is an error when its substitutes are damaged as well', async () => {
    const all = Object.fromEntries(range(30).map((i) => [i, damaged]));
    const source = await rawSource(await rawRecords(30, all), { workers: 1, maxBadFraction: 1 });
    const { message } = await failure(collect(source, training));
    expect(message).toContain('every record drawn in place of a damaged one is damaged too');
  });

  it('is an empty file, but not one that is missing or has a label out of range', async () => {
    const records = await rawRecords(40);
    const source = await rawSource(records, { workers: 1, maxBadFraction: 0.1 });
    writeFileSync(whereabouts(records, 8), '');
    await collect(source, training);
    expect(source.badRecords()).toEqual([
      { index: 8, message: `${whereabouts(records, 8)} is empty (0 bytes).` },
    ]);

    unlinkSync(whereabouts(records, 8));
    const { message } = await failure(collect(source, training));
    expect(message).toContain(whereabouts(records, 8));
    expect(message).toContain('ENOENT');

    writeFileSync(whereabouts(records, 8), bytesOf(8));
    records.labels[5] = 7;
    const wrong = await rawSource(records, { workers: 1 });
    expect((await failure(collect(wrong, training))).message).toBe(
      `raw, train: ${whereabouts(records, 5)}: its label is 7, but labels are 0 to 2.`,
    );
  });
});

describe('a worker', () => {
  it('that dies is an error that names what it was at work on; then others take its place', async () => {
    const records = await rawRecords(40, { 12: deadly });
    const source = await rawSource(records, { workers: 2 });
    const { message } = await failure(collect(source, { batchSize: 20 }));
    expect(message).toContain('A decoding worker ended (exit code 3), at work on ');
    expect(message).toContain(whereabouts(records, 12));
    writeFileSync(whereabouts(records, 12), bytesOf(12));
    expect(indicesOf(await collect(source, { batchSize: 20 }))).toEqual(range(40));
  });

  it('that waits for ever ends when the source is closed, and what is read from it fails', async () => {
    const source = await rawSource(await rawRecords(20, { 0: endless }), { workers: 1 });
    const channel = new BroadcastChannel(endlessBegun);
    const begun = new Promise<void>((resolve) => {
      channel.onmessage = () => resolve();
    });
    const reading = failure(collect(source, { batchSize: 20 }));
    await begun;
    channel.close();
    await source.close();
    expect((await reading).message).toBe('The source was closed while it was being read.');
  });

  it('never keeps the process alive, and a process that waits for a batch stays alive', () => {
    const folder = temporaryFolder();
    for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.ppm`), bytesOf(1));
    const here = dirname(fileURLToPath(import.meta.url));
    const address = (file: string) => JSON.stringify(pathToFileURL(join(here, file)).href);
    const script = `
      import { mkdirSync, renameSync } from 'node:fs';
      import '@tensorflow/tfjs-backend-cpu';
      import { imageFolder } from ${address('../src/index.ts')};
      const folder = ${JSON.stringify(folder)};
      for (const name of ['a', 'b']) {
        mkdirSync(folder + '/' + name);
        renameSync(folder + '/' + name + '.ppm', folder + '/' + name + '/1.ppm');
      }
      const preprocessing = { module: ${address('raw-preprocessing.ts')} };
      const source = await imageFolder(folder, { preprocessing, workers: 2 });
      for await (const { indices } of source.batches({ batchSize: 1 })) console.log(indices[0]);
    `;
    const args = ['--import', 'tsx', '--conditions', '@llr/source', '--input-type=module'];
    const options = { cwd: here, encoding: 'utf8' as const, timeout: 150_000 };
    const printed = execFileSync(process.execPath, [...args, '--eval', script], options);
    expect(printed.trim().split('\n')).toEqual(['0', '1']);
  });
});
