import { existsSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BegunTry } from '@llr/attacks';
import { afterAll, expect, test } from 'vitest';
import { openJournal } from '../src/eval/journal-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'llr-journal-'));
afterAll(() => rmSync(folder, { recursive: true }));

const begun = (done: number): BegunTry[] => [
  {
    example: 7,
    attack: 'square-5000',
    run: 0,
    stage: {
      done,
      state: {
        perturbation: { values: Float32Array.of(0.1, -0.1), shape: [2], dtype: 'float32' },
        queries: { values: Int32Array.of(50 * done), shape: [], dtype: 'int32' },
      },
    },
  },
];

test('a journal keeps the tries that have begun, those of the last batch, to the bit', async () => {
  const file = join(folder, 'a.jsonl');
  const header = { format: 1 };
  const first = await openJournal(file, header, false);
  expect(first.begun).toEqual([]);
  await first.append({ clean: [[7, 1, 1]] }, []);
  for (const done of [1, 2]) await first.keepBegun(begun(done));
  await first.close();
  const second = await openJournal(file, header, false);
  expect(second.begun).toEqual(begun(2));
  expect(second.restored).toHaveLength(1);
  await second.close();
  const anew = await openJournal(file, header, true);
  expect(anew.begun).toEqual([]);
  await anew.keepBegun(begun(3));
  await anew.remove();
  await anew.close();
  expect(existsSync(`${file}.begun`)).toBe(false);
});

test('a damaged file of tries that have begun is named', async () => {
  const file = join(folder, 'b.jsonl');
  const journal = await openJournal(file, {}, false);
  await journal.keepBegun(begun(1));
  await journal.close();
  truncateSync(`${file}.begun`, 20);
  await expect(openJournal(file, {}, false)).rejects.toThrow(/b\.jsonl\.begun is damaged/);
});
