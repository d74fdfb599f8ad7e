import util from 'node:util';
import { load } from './installed-packages.ts';
import { loadWasm } from './wasm.ts';

export { installedVersion } from './installed-packages.ts';

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

async function loadTensorFlow(name: string): Promise<void> {
  // tfjs-node 4 calls helpers that Node 23 removed.
  const helpers = util as unknown as Record<string, unknown>;
  helpers.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  helpers.isArray ??= Array.isArray;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  load(name);
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
  {
    name: 'wasm',
    package: '@tensorflow/tfjs-backend-wasm',
    backend: 'wasm',
    register: () => loadWasm(),
  },
  {
    name: 'cpu',
    package: '@tensorflow/tfjs-backend-cpu',
    backend: 'cpu',
    register: async () => {
      load('@tensorflow/tfjs-backend-cpu');
    },
  },
];
