// Checks what no other tool does: which package may know which, that browser-safe packages stay so, that
// every package has the same set of files, and that no file names a path of somebody's machine.
//
//   node tools/check-structure.mjs
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A package knows those of lower floors only. */
const floors = {
  engine: 0,
  core: 1,
  'fashion-mnist': 1,
  attacks: 2,
  models: 2,
  datasets: 2,
  train: 3,
  analysis: 4,
  cli: 5,
};

/** These also run in a browser, but for the folder of engine that says it is for Node. */
const browserSafe = { engine: /^src\/node(\.ts$|\/)/, core: undefined, attacks: undefined };

const files = [
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'tsconfig.json',
  'tsup.config.ts',
  'vitest.config.ts',
  'src/index.ts',
  'test',
];

const machinePath = /(^|[\s'"`(=:])\/(work|root|home|Users|tmp)\/\w/;

const builtins = new Set(builtinModules);
const isBuiltin = (specifier) =>
  specifier.startsWith('node:') || builtins.has(specifier.split('/')[0]);

const importPattern =
  /(?:^|[\s;}])(?:import|export)(?:[\s\w{},*$]*?from)?\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;
const importsOf = (text) => [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2]);

const sourcesOf = (folder) =>
  readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'),
    )
    .map((entry) => join(entry.parentPath, entry.name));

function checkPackage(folder, name) {
  const problems = files
    .filter((file) => !existsSync(join(folder, file)))
    .map((file) => `packages/${name} has no ${file}`);
  if (!(name in floors))
    return [...problems, `packages/${name} has no floor in tools/check-structure.mjs`];
  if (problems.length > 0) return problems;

  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const usable = { ...manifest.dependencies, ...manifest.peerDependencies };
  const declared = { ...usable, ...manifest.devDependencies };
  for (const other of Object.keys(declared).filter((key) => key.startsWith('@llr/'))) {
    problems.push(...arrow(name, other.slice('@llr/'.length), `packages/${name}/package.json`));
  }
  for (const path of sourcesOf(folder)) {
    const source = path.slice(folder.length + 1);
    const where = `packages/${name}/${source}`;
    for (const specifier of importsOf(readFileSync(path, 'utf8'))) {
      const [scope, other] = specifier.split('/');
      if (scope === '@llr' && other !== name) {
        problems.push(...arrow(name, other, where));
        if (!usable[`@llr/${other}`]) {
          problems.push(`${where} imports ${specifier}, which its package.json does not list`);
        }
      }
      if (name in browserSafe && isBuiltin(specifier) && !browserSafe[name]?.test(source)) {
        problems.push(`${where} imports ${specifier}, but @llr/${name} also runs in a browser`);
      }
    }
  }
  return problems;
}

function arrow(name, other, where) {
  if (floors[other] < floors[name]) return [];
  return [`${where}: ${name} must not know ${other}, which is not under it`];
}

/** Everything wrong with a checkout, as sentences. */
export function problemsOf(root) {
  const names = readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  return names.flatMap((name) => checkPackage(join(root, 'packages', name), name));
}

/** Lines of tracked text files that name a path of somebody's machine. */
export function machinePathsIn(root) {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split(
    '\0',
  );
  return tracked
    .filter((path) => /\.(md|ts|mts|js|mjs|json|ya?ml|py|sh|html)$|^\.ci\//.test(path))
    .filter((path) => !path.endsWith('.generated.js') && existsSync(join(root, path)))
    .flatMap((path) =>
      readFileSync(join(root, path), 'utf8')
        .split('\n')
        .flatMap((line, i) =>
          machinePath.test(line) ? [`${path}:${i + 1} names a path of one machine`] : [],
        ),
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const problems = [...problemsOf(root), ...machinePathsIn(root)];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exit(1);
  console.log(`The structure of ${Object.keys(floors).length} packages is as it should be.`);
}
