import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const requireHere = createRequire(import.meta.url);
const requireFromApplication = createRequire(pathToFileURL(join(process.cwd(), 'noop.js')));

/** Where an engine's package is: engines are optional, and may be installed beside this package or in the application's folder. */
export function locate(specifier: string): string {
  try {
    return requireHere.resolve(specifier);
  } catch {
    return requireFromApplication.resolve(specifier);
  }
}

/** Loads an engine's package, or throws what keeps it from loading. */
export function load(specifier: string): unknown {
  return requireHere(locate(specifier));
}

/** The installed version of an engine's package, or undefined. */
export function installedVersion(name: string): string | undefined {
  try {
    return (load(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}
