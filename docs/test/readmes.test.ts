import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Experiment, train } from '@llr/train';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Inside the repository, so that the packages are found from there.
const folder = join(root, 'coverage/docs');
const runs = mkdtempSync(join(tmpdir(), 'llr-docs-'));
afterAll(() => rmSync(runs, { recursive: true }));

interface Block {
  file: string;
  code: string;
}

/** The code in the READMEs and guides, each block as a file. */
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...guides('docs'),
  ...list('packages'),
  ...list('examples'),
];
const blocks: Block[] = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const stem = page.replaceAll('/', '-').replace('.md', '');
  return [...text.matchAll(/```(ts|js)\n([\s\S]*?)```/g)].map(([, language, code], i) => ({
    file: `${stem}-${i + 1}.${language}`,
    code: code!,
  }));
});
const programs = blocks.filter(({ file }) => file.endsWith('.js'));

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { file, code } of blocks) writeFileSync(join(folder, file), `${code}\nexport {};\n`);
  writeFileSync(
    join(folder, 'globals.d.ts'),
    // What a page says in words it takes as given.
    `declare const classifier: import('@llr/core').Classifier;
declare const data: import('@llr/core').ImageSource;\n`,
  );
  const compilerOptions = { types: ['node'], noUncheckedIndexedAccess: false };
  const config = { extends: '../../tsconfig.base.json', compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
});

test('every TypeScript block in the READMEs and guides type-checks', () => {
  expect(blocks.length - programs.length).toBeGreaterThan(6);
  const tsc = join(root, 'node_modules/@typescript/native/bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '--noEmit', '-p', folder], { encoding: 'utf8' });
  } catch (error) {
    expect.fail((error as { stdout: string }).stdout);
  }
});

test.each(programs)('the program $file runs', async ({ file }) => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  await import(pathToFileURL(join(folder, file)).href);
});

test('the experiment in the README trains', async () => {
  const config = pathToFileURL(join(folder, 'README-1.ts')).href;
  const { default: experiment } = (await import(config)) as { default: Experiment };
  const short = { ...experiment.train, epochs: 1, examples: 1280 };
  const { history } = await train({ ...experiment, train: short }, 'penalised', {
    directory: runs,
  });
  const losses = history.map(({ loss }) => loss!);
  expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
});

function list(parent: string): string[] {
  return readdirSync(join(root, parent)).map((name) => `${parent}/${name}/README.md`);
}

function guides(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}
