import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import util from 'node:util';

/** The engines, fastest first. */
export const engineNames = ['tfjs-node-gpu', 'tfjs-node', 'wasm', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

export interface Candidate {
  name: EngineName;
  package: string;
  /** The tfjs backend it registers. */
  backend: 'tensorflow' | 'wasm' | 'cpu';
  /** Registers the backend with tfjs, or throws what keeps it from doing so. */
  register(): Promise<void>;
}

const requireHere = createRequire(import.meta.url);
const requireFromApplication = createRequire(pathToFileURL(join(process.cwd(), 'noop.js')));

/** Engines are optional: they may be installed beside this package or in the application's folder. */
function locate(specifier: string): string {
  try {
    return requireHere.resolve(specifier);
  } catch {
    return requireFromApplication.resolve(specifier);
  }
}

/** The installed version of an engine's package, or undefined. */
export function installedVersion(name: string): string | undefined {
  try {
    return (requireHere(locate(`${name}/package.json`)) as { version: string }).version;
  } catch {
    return undefined;
  }
}

async function load(name: string): Promise<unknown> {
  return requireHere(locate(name));
}

async function loadTensorFlow(name: string): Promise<void> {
  // tfjs-node 4 calls helpers that Node 23 removed.
  const helpers = util as unknown as Record<string, unknown>;
  helpers.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  helpers.isArray ??= Array.isArray;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  await load(name);
}

async function loadWasm(): Promise<void> {
  const name = '@tensorflow/tfjs-backend-wasm';
  const { setWasmPaths } = (await load(name)) as { setWasmPaths(folder: string): void };
  setWasmPaths(`${join(dirname(locate(`${name}/package.json`)), 'dist')}/`);
}

export const candidates: readonly Candidate[] = [
  {
    name: 'tfjs-node-gpu',
    package: '@tensorflow/tfjs-node-gpu',
    backend: 'tensorflow',
    register: () => loadTensorFlow('@tensorflow/tfjs-node-gpu'),
  },
  {
    name: 'tfjs-node',
    package: '@tensorflow/tfjs-node',
    backend: 'tensorflow',
    register: () => loadTensorFlow('@tensorflow/tfjs-node'),
  },
  { name: 'wasm', package: '@tensorflow/tfjs-backend-wasm', backend: 'wasm', register: loadWasm },
  {
    name: 'cpu',
    package: '@tensorflow/tfjs-backend-cpu',
    backend: 'cpu',
    register: async () => {
      await load('@tensorflow/tfjs-backend-cpu');
    },
  },
];
