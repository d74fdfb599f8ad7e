// Puts what `llr reproduce` wrote into docs/reproduction.md and docs/reproduction/: numbers as JSON, figures as SVG.
//
//   node tools/reproduction-page.mjs runs/reproduce-mini
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [results] = process.argv.slice(2);
if (results === undefined)
  throw new Error('Name the folder that llr reproduce wrote its results to.');

const docs = fileURLToPath(new URL('../docs', import.meta.url));
const page = join(docs, 'reproduction.md');
const folder = join(docs, 'reproduction');
mkdirSync(folder, { recursive: true });

const names = [
  'table-a1',
  'figure-a1',
  'table-f2',
  'table-f3',
  'table-f4',
  'figure-f2',
  'figure-f3',
  'figure-f4',
];
const found = names.filter((name) => existsSync(join(results, `${name}.json`)));
const sections = found.map((name) => {
  const reproduction = JSON.parse(readFileSync(join(results, `${name}.json`), 'utf8'));
  // Where the runs lie on a machine is nobody else's business.
  for (const network of reproduction.networks) delete network.folder;
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(reproduction, null, 2)}\n`);
  for (const { file } of reproduction.figures)
    copyFileSync(join(results, file), join(folder, file));
  const text = readFileSync(join(results, `${name}.md`), 'utf8');
  return text
    .replace(/\]\((figure-[a-z0-9]+\.svg)\)/g, '](reproduction/$1)')
    .replace(/^## /, '### ')
    .trim();
});
const marked = /<!-- results -->\n[\s\S]*<!-- \/results -->/;
const filled = `<!-- results -->\n${sections.join('\n\n')}\n<!-- /results -->`;
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(marked, () => filled),
);
console.log(`${found.join(', ')} into ${page}`);
