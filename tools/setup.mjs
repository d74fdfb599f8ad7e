// What every entry to the repository needs first: a recent Node, and the packages of package-lock.json.
//
//   node tools/setup.mjs
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Why this Node can't be used, or undefined. */
export function nodeProblem(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return undefined;
  return `LLR needs Node 20.19 or later; this is Node ${version}. Get one at https://nodejs.org.`;
}

/** Whether node_modules holds what package-lock.json asks for (npm notes what it installed in a lock file of its own). */
export function isInstalled(folder = root) {
  let wanted;
  let installed;
  try {
    wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
    installed = JSON.parse(
      readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'),
    ).packages;
  } catch {
    return false;
  }
  return Object.entries(wanted).every(
    ([path, { version, link, optional }]) =>
      path === '' || link || optional || installed[path]?.version === version,
  );
}

/** The file that an installed package's command of the same name runs. */
export function command(name) {
  const folder = join(root, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[name]);
}

/** Runs a step quietly: one line on stderr, and its output only if it fails. */
export function quietly(label, program, args) {
  const began = Date.now();
  process.stderr.write(`${label} … `);
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) {
    process.stderr.write(`${((Date.now() - began) / 1000).toFixed(0)} s\n`);
    return;
  }
  process.stderr.write(
    `failed\n\n${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`,
  );
  process.exit(status || 1);
}

/** Runs a program with this process's input and output, and gives its exit code. */
export function loudly(program, args, env = process.env) {
  // Ctrl-C reaches the program too; it decides how to end.
  process.on('SIGINT', () => {});
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit', env });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

export function setUp() {
  const problem = nodeProblem();
  if (problem) {
    console.error(problem);
    process.exit(1);
  }
  if (isInstalled()) return;
  // npm says where it is when it runs a script; the shell finds it otherwise.
  const npm = process.env.npm_execpath;
  const [program, args] = npm ? [process.execPath, [npm, 'ci']] : ['npm', ['ci']];
  quietly('Installing packages (npm ci)', program, args);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
