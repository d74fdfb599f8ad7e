import type { EngineName } from './engine-names.ts';
import { installedVersion, load } from './installed-packages.ts';
import { nvidiaDriver } from './nvidia.ts';
import { gpuObstacle } from './tensorflow/gpu-proof.ts';
import { loadBuild } from './tensorflow/load-build.ts';
import { findBuild } from './tensorflow/manifest.ts';
import type { Kind } from './tensorflow/recipe.ts';
import { platformProblem } from './tensorflow/requirements.ts';
import { loadTfjsNode } from './tfjs-node.ts';
import { loadWasm } from './wasm.ts';

/** A TensorFlow that this machine may have. */
export interface Candidate {
  name: EngineName;
  /** The tfjs backend it registers. */
  backend: 'tensorflow' | 'wasm' | 'cpu';
  /** The version that is installed (of TensorFlow for a build of our own, else of the package), or undefined. */
  version(): string | undefined;
  /** The command that installs it. */
  install: string;
  /** What keeps it from being used, as far as that shows without loading it. */
  obstacle(): string | undefined | Promise<string | undefined>;
  /** Registers the backend with tfjs, or throws what keeps it from doing so. */
  register(options: { threads?: number }): void | Promise<void>;
}

function build(kind: Kind): Candidate {
  const install = kind === 'gpu' ? 'llr engine install --gpu' : 'llr engine install';
  return {
    name: kind === 'gpu' ? 'tensorflow-gpu' : 'tensorflow',
    backend: 'tensorflow',
    version: () => findBuild(kind)?.manifest?.tensorflow,
    install,
    obstacle: () => {
      const found = findBuild(kind);
      if (!found) return platformProblem() ?? notInstalled(install);
      if (found.problem) return `broken, ${found.problem}: ${install}`;
      return kind === 'gpu' ? gpuObstacle(found) : undefined;
    },
    register: () => loadBuild(kind),
  };
}

function npmPackage(
  about: Pick<Candidate, 'name' | 'backend' | 'register'> & {
    package: string;
    obstacle?: () => string | undefined;
  },
): Candidate {
  const install = `npm install ${about.package}`;
  const version = () => installedVersion(about.package);
  return {
    ...about,
    version,
    install,
    obstacle: () => (version() === undefined ? notInstalled(install) : about.obstacle?.()),
  };
}

const notInstalled = (install: string) => `not installed: ${install}`;

/** All of them, fastest first. */
export const candidates: readonly Candidate[] = [
  build('gpu'),
  npmPackage({
    name: 'tfjs-node-gpu',
    package: '@tensorflow/tfjs-node-gpu',
    backend: 'tensorflow',
    // It would load without one, and compute on the processor with a TensorFlow of long ago.
    obstacle: () => (nvidiaDriver() ? undefined : 'no NVIDIA driver'),
    register: () => loadTfjsNode('@tensorflow/tfjs-node-gpu'),
  }),
  build('cpu'),
  npmPackage({
    name: 'tfjs-node',
    package: '@tensorflow/tfjs-node',
    backend: 'tensorflow',
    register: () => loadTfjsNode('@tensorflow/tfjs-node'),
  }),
  npmPackage({
    name: 'wasm',
    package: '@tensorflow/tfjs-backend-wasm',
    backend: 'wasm',
    register: ({ threads }) => loadWasm(threads === undefined ? {} : { threads }),
  }),
  npmPackage({
    name: 'cpu',
    package: '@tensorflow/tfjs-backend-cpu',
    backend: 'cpu',
    register: () => void load('@tensorflow/tfjs-backend-cpu'),
  }),
];
