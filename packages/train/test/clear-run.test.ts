import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clearRun } from '../src/run-directory.ts';

test('a run that begins anew keeps no measurement of an earlier network, and what is not its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llr-clear-'));
  const its = [
    'run.json',
    'evaluation.json',
    'gamma.json',
    'gamma.journal.jsonl',
    'bounds.csv',
    'verdict.json',
    'surface-126.png',
    'panels.svg',
    'events.out.tfevents.1.host',
  ];
  const others = ['notes.md', 'gamma-of-mine.json', 'surface.json', 'my-bounds.json'];
  for (const name of [...its, ...others]) writeFileSync(join(folder, name), '{}');
  await clearRun(folder);
  expect(readdirSync(folder).sort()).toEqual(others.sort());
  rmSync(folder, { recursive: true });
});
