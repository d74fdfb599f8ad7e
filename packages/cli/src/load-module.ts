import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
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
  const found = await createJiti(pathToFileURL(path).href).import(path, { default: true });
  // jiti gives the module itself where it has no default export.
  const isModule = Object.prototype.toString.call(found) === '[object Module]';
  if (found === undefined || found === null || isModule) {
    throw new Error(`${file} has no default export. Write: ${hint}`);
  }
  return found;
}
