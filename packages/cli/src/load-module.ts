import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';

/**
 * The default export of a module of the user's own, TypeScript or JavaScript.
 *
 * @param hint - what to write, for the error when there is no default export
 * @throws when there is no such file, and what the module throws
 */
export async function importDefault(file: string, hint: string): Promise<unknown> {
  const path = resolve(file);
  if (!existsSync(path)) throw new Error(`There is no file ${file}.`);
  return defaultOf(path, path, file, hint);
}

/**
 * The default export of a module that a config names: a file, relative to the config's folder, or a package that is
 * installed there.
 *
 * @throws when there is neither, and what the module throws
 */
export async function importBeside(folder: string, module: string): Promise<unknown> {
  const hint = 'export default …, the plugin or a function of its options.';
  const file = resolve(folder, module);
  if (existsSync(file)) return importDefault(file, hint);
  if (module.startsWith('.') || isAbsolute(module)) {
    throw new Error(`there is no file ${module} in ${folder}`);
  }
  const from = join(resolve(folder), 'config');
  try {
    createJiti(pathToFileURL(from).href).esmResolve(module);
  } catch {
    throw new Error(`there is neither a file ${module} in ${folder} nor a package of that name`);
  }
  return defaultOf(from, module, module, hint);
}

async function defaultOf(from: string, module: string, name: string, hint: string) {
  const found = await createJiti(pathToFileURL(from).href).import(module, { default: true });
  // jiti gives the module itself where it has no default export.
  const isModule = Object.prototype.toString.call(found) === '[object Module]';
  if (found === undefined || found === null || isModule) {
    throw new Error(`${name} has no default export. Write: ${hint}`);
  }
  return found;
}
