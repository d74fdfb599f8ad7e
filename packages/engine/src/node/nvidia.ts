import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBuild } from './tensorflow/manifest.ts';

/** The version of the NVIDIA driver, or undefined where there is none. */
export function nvidiaDriver(): string | undefined {
  try {
    const about = readFileSync('/proc/driver/nvidia/version', 'utf8');
    return about.match(/Kernel Module.*?\s(\d+\.\d+(\.\d+)?)\s/)?.[1] ?? 'of unknown version';
  } catch {
    // WSL has no such file, but nvidia-smi.
  }
  return output('nvidia-smi', ['--query-gpu=driver_version', '--format=csv,noheader'])
    ?.trim()
    .split('\n')[0];
}

/** How many NVIDIA GPUs the machine has. */
export function countGpus(): number {
  try {
    return readdirSync('/proc/driver/nvidia/gpus').length;
  } catch {
    // WSL has no such folder, but nvidia-smi.
  }
  return output('nvidia-smi', ['-L'])?.match(/^GPU \d+:/gm)?.length ?? 0;
}

/** What a machine has for TensorFlow on a GPU; undefined where a part is missing. */
export interface GpuReport {
  /** The driver's version. */
  driver?: string;
  /** The file of the CUDA runtime. */
  cuda?: string;
  /** The file of cuDNN. */
  cudnn?: string;
}

/** Looks for the driver, the CUDA runtime and cuDNN: those installed for tensorflow-gpu, then the machine's. */
export function describeGpu(): GpuReport {
  const driver = nvidiaDriver();
  const files = [...inFolders(), ...inLinkerCache()];
  const find = (library: string) =>
    files.find((path) => new RegExp(`/${library}\\.so\\.\\d+$`).test(path));
  const cuda = find('libcudart');
  const cudnn = find('libcudnn');
  return { ...(driver && { driver }), ...(cuda && { cuda }), ...(cudnn && { cudnn }) };
}

function inFolders(): string[] {
  const build = findBuild('gpu');
  const ours = build ? ['cuda_runtime', 'cudnn'].map((n) => `${build.folder}/nvidia/${n}/lib`) : [];
  const { LD_LIBRARY_PATH = '', CUDA_HOME = '/usr/local/cuda' } = process.env;
  const folders = [...ours, ...LD_LIBRARY_PATH.split(':'), join(CUDA_HOME, 'lib64')];
  return folders.flatMap((folder) => {
    try {
      return folder ? readdirSync(folder).map((file) => join(folder, file)) : [];
    } catch {
      return [];
    }
  });
}

const inLinkerCache = (): string[] =>
  [...(output('ldconfig', ['-p']) ?? '').matchAll(/=> (\S+)$/gm)].map((match) => match[1]!);

function output(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
