import { readdirSync, readFileSync } from 'node:fs';
import { publishedTables } from '@llr/train';
import { describe, expect, test } from 'vitest';

const page = readFileSync(new URL('../reproduction.md', import.meta.url), 'utf8');
const folder = new URL('../reproduction/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

interface Kept {
  title: string;
  made: { command: string; engine: string };
  rows: { label: string; cells: { column: string; paper: number; ours: { value: number } }[] }[];
  claims: { claim: string; outcome: string; evidence: string }[];
  figures: { file: string }[];
}
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Kept;

describe.each(files)('%s', (file) => {
  const { title, made, rows, claims, figures } = read(file);
  const escaped = (text: string) => text.replaceAll('|', '\\|');

  test('is on the page: every number, claim and figure, and how it was made', () => {
    expect(page).toContain(title);
    expect(page).toContain(made.command);
    expect(page).toContain(made.engine);
    for (const { label, cells } of rows) {
      const numbers = cells.flatMap(({ paper, ours }) => [
        `| ${paper.toFixed(2)} % |`,
        `| ${(100 * ours.value).toFixed(1)} % ±`,
      ]);
      // Networks of the same name are in several tables.
      const lines = page.split('\n').filter((line) => line.startsWith(`| ${escaped(label)} |`));
      expect(lines.some((line) => numbers.every((number) => line.includes(number)))).toBe(true);
    }
    for (const { claim, outcome, evidence } of claims) {
      expect(page).toContain(`| ${escaped(claim)} |`);
      expect(page).toContain(`**${outcome}** | ${escaped(evidence)} |`);
    }
    for (const { file: figure } of figures) {
      expect(page).toContain(`](reproduction/${figure})`);
      expect(readFileSync(new URL(figure, folder), 'utf8')).toMatch(/^<svg/);
    }
  });

  test('has the paper’s numbers', () => {
    const published = Object.values(publishedTables)
      .flatMap((table) => [...table.rows])
      .map(({ values }) => JSON.stringify(values));
    for (const { cells } of rows) {
      const values = Object.fromEntries(cells.map(({ column, paper }) => [column, paper]));
      expect(published).toContain(JSON.stringify(values));
    }
  });
});
