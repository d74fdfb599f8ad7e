import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';

/** A folder for the tests of a file, empty for each of them, and the path of a file in it. */
export function weightsFolder(name = 'weights.safetensors') {
  const folder = mkdtempSync(join(tmpdir(), 'llr-weights-'));
  afterEach(async () => {
    for (const entry of await readdir(folder)) await rm(join(folder, entry), { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true }));
  return { folder, file: join(folder, name) };
}

/** Takes models that end with the test. */
export function modelsOfTest() {
  const made: { dispose(): void }[] = [];
  afterEach(() => {
    for (const model of made.splice(0)) model.dispose();
  });
  return <T extends { dispose(): void }>(model: T): T => {
    made.push(model);
    return model;
  };
}
