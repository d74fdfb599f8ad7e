import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { bytesNeeded, type Kind } from './recipe.ts';
import { runs } from './run.ts';

/**
 * Why the TensorFlow of Python's wheels can't run on this machine, with what can be had instead; undefined where
 * it can.
 */
export function platformProblem(): string | undefined {
  const { platform, arch } = process;
  const instead = 'use the engine wasm, or npm install @tensorflow/tfjs-node';
  if (platform === 'win32')
    return `needs Linux on x64: on Windows, run LLR inside WSL 2, or ${instead}`;
  if (platform !== 'linux') return `needs Linux on x64; on ${platform}, ${instead}`;
  if (arch !== 'x64') return `needs an x64 processor; on ${arch}, ${instead}`;
  const glibc = glibcVersion();
  if (glibc === undefined)
    return 'needs glibc, which this Linux (Alpine?) is not built on; use the engine wasm, or a Debian-like image';
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  if (major === 2 && minor < 27)
    return `needs glibc 2.27 or later, and this is ${glibc}; ${instead}`;
  return undefined;
}

function glibcVersion(): string | undefined {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  report.excludeNetwork = true; // looking up the names of open connections can take seconds
  const { header } = report.getReport() as unknown as {
    header: { glibcVersionRuntime?: string };
  };
  return header.glibcVersionRuntime;
}

/** The command line that runs pip. @throws where there is none */
export async function findPip(): Promise<readonly [string, ...string[]]> {
  for (const pip of [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']]) {
    const [command, ...args] = pip as [string, ...string[]];
    if (await runs(command, [...args, '--version'])) return [command, ...args];
  }
  throw new Error(
    'There is no pip, which fetches TensorFlow. Install it (Debian, Ubuntu: apt-get install python3-pip), or give the wheel: llr engine install --wheel FILE-OR-FOLDER.',
  );
}

/** The C++17 compiler: CXX, else c++, g++ or clang++. @throws where there is none */
export async function findCompiler(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'llr-compiler-'));
  const source = join(folder, 'try.cc');
  writeFileSync(source, '#include <string_view>\nint main() { return 0; }\n');
  const chosen = process.env.CXX;
  try {
    for (const compiler of chosen ? [chosen] : ['c++', 'g++', 'clang++']) {
      if (await runs(compiler, ['-std=c++17', '-fsyntax-only', source])) return compiler;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  throw new Error(
    chosen
      ? `The compiler that CXX names, ${chosen}, does not compile C++17.`
      : 'There is no C++17 compiler (c++, g++ or clang++). Install one (Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++), or name yours in the environment variable CXX.',
  );
}

/** @throws where the disk of the cache is too full for an install that needs `extra` bytes less */
export function checkSpace(kind: Kind, alreadyThere: number): void {
  let folder = cacheFolder();
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const needed = bytesNeeded(kind) - alreadyThere;
  if (bavail * bsize >= needed) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new Error(
    `The install needs ${gigabytes(needed)} of disk, and ${cacheFolder()} has ${gigabytes(bavail * bsize)} left. Free some, or name another folder in the environment variable LLR_CACHE.`,
  );
}
