import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { nvidiaDriver } from '../nvidia.ts';
import { cacheFolder } from './cache-folder.ts';
import { compileAddons } from './compile-addon.ts';
import { bytesIn } from './download.ts';
import { rememberProof } from './gpu-proof.ts';
import { writeLoader } from './loader.ts';
import { findBuild, writeManifest } from './manifest.ts';
import { npmPackage } from './npm-packages.ts';
import { prove } from './prove.ts';
import { buildFolder, downloadFolder, type Kind, recipe } from './recipe.ts';
import { checkSpace, findCompiler, findPip, platformProblem } from './requirements.ts';
import { BrokenWheel, unpackWheel } from './unpack-wheel.ts';
import { findWheels, folderOf } from './wheels.ts';

export interface InstallOptions {
  /** The build with CUDA, and NVIDIA's libraries. Default false. */
  gpu?: boolean;
  /**
   * The wheel of TensorFlow, or a folder of all wheels needed: nothing is downloaded. The folder must also hold the
   * tarballs of the npm packages `@tensorflow/tfjs-node` and `node-api-headers`, where these are not installed.
   */
  wheel?: string;
  /** Told of each step, and of the bytes that a download has brought. */
  onProgress?: (progress: { step: string; bytes?: number }) => void;
}

export interface Installed {
  folder: string;
  /** TensorFlow's version. */
  tensorflow: string;
  bytes: number;
  seconds: number;
  /** Whether it was there before. */
  alreadyThere: boolean;
  /** With `gpu`: why the build can't be used on this machine as it is. */
  gpuProblem?: string;
}

/**
 * Builds the native engine into the per-user cache: TensorFlow's libraries from the Python wheel, tfjs-node's addon
 * compiled against them. What is in the cache under its final name has been loaded once and computed rightly; an
 * install that is broken off leaves only what the next one can use or removes.
 *
 * @throws where the platform has no such wheel, where pip, a compiler or disk is lacking, or where a step fails
 */
export async function installTensorFlow(options: InstallOptions = {}): Promise<Installed> {
  const began = performance.now();
  const kind: Kind = options.gpu ? 'gpu' : 'cpu';
  const report = (step: string, bytes?: number) =>
    options.onProgress?.(bytes === undefined ? { step } : { step, bytes });
  const finished = (alreadyThere: boolean): Installed | undefined => {
    const build = findBuild(kind);
    if (!build?.manifest) return undefined;
    const seconds = (performance.now() - began) / 1000;
    const { tensorflow, bytes } = build.manifest;
    return { folder: build.folder, tensorflow, bytes, seconds, alreadyThere };
  };
  removeAbandoned();
  const there = finished(true);
  if (there) return there;

  const problem = platformProblem();
  if (problem) throw new Error(`The native TensorFlow ${problem}.`);
  const compiler = await findCompiler();
  if (!options.wheel) await findPip();
  else if (!existsSync(options.wheel))
    throw new Error(`There is no file or folder ${options.wheel}.`);
  checkSpace(kind, bytesIn(downloadFolder()));

  const staging = stagingFolder();
  try {
    const build = join(staging, 'build');
    await fillBuild(build, {
      staging,
      compiler,
      kind,
      report,
      ...(options.wheel && { wheel: resolve(options.wheel) }),
    });
    report('proving that it loads and computes');
    const { version, gpu } = await prove(build, kind);
    writeManifest(build, { tensorflow: version, tfjsNode: recipe.tfjsNode, compiler });
    if (gpu) rememberProof(build);
    publish(build, kind, staging);
    rmSync(downloadFolder(), { recursive: true, force: true });
    const done = finished(false);
    if (!done) throw new Error(`${buildFolder(kind)} was removed while it was being installed.`);
    const gpuProblem = kind === 'gpu' && !gpu ? unusedGpu() : undefined;
    return gpuProblem ? { ...done, gpuProblem } : done;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

const unusedGpu = () =>
  nvidiaDriver()
    ? 'TensorFlow finds no GPU that it can use, though there is an NVIDIA driver'
    : 'this machine has no NVIDIA driver';

interface Work {
  staging: string;
  compiler: string;
  kind: Kind;
  wheel?: string;
  report(step: string, bytes?: number): void;
}

async function fillBuild(build: string, work: Work): Promise<void> {
  const { staging, compiler, kind, wheel, report } = work;
  const folders = wheel ? [folderOf(wheel)] : [];
  const npm = { folders, online: !wheel, staging, report };
  const tfjsNode = await npmPackage('@tensorflow/tfjs-node', recipe.tfjsNode, npm);
  const nodeApiHeaders = await npmPackage('node-api-headers', recipe.nodeApiHeaders, npm);
  const wheels = await findWheels({ kind, staging, report, ...(wheel && { given: wheel }) });

  const unpack = async (path: string, to: string, wanted: (file: string) => boolean) => {
    try {
      await unpackWheel(path, to, wanted);
    } catch (error) {
      // One of the user's stays; one of ours is fetched anew by the next install.
      if (error instanceof BrokenWheel && !wheel) rmSync(path, { force: true });
      throw error;
    }
  };
  report('unpacking TensorFlow');
  await unpack(wheels.tensorflow, build, (file) => libraries.has(file));
  const headers = join(staging, 'headers');
  await unpack(wheels.tensorflow, headers, (file) => neededHeaders.test(file));
  for (const path of wheels.nvidia) {
    report('unpacking NVIDIA’s libraries');
    await unpack(path, build, (file) => nvidiaFiles.test(file));
  }

  report('compiling the addon');
  writeLoader(build, tfjsNode);
  await compileAddons({ kind, compiler, tfjsNode, nodeApiHeaders, headers, build, staging });
}

const libraries = new Set([
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
]);

/** TensorFlow's C interface, and the C++ one of its ops with all that it includes. */
const neededHeaders =
  /^tensorflow\/include\/(tensorflow\/(c|core)|xla\/tsl|tsl|absl|google|Eigen|unsupported|ml_dtypes)\//;

/** Where TensorFlow looks for them, seen from its own folder; nvcc's part is the assembler for kernels made on the way. */
const nvidiaFiles = /^nvidia\/([^/]+\/lib\/[^/]+\.so|cuda_nvcc\/(bin\/ptxas$|nvvm\/libdevice\/))/;

/** Moves a finished build to its final name, in one step. */
function publish(build: string, kind: Kind, staging: string): void {
  const target = buildFolder(kind);
  const old = findBuild(kind);
  if (old?.problem) renameSync(target, join(staging, 'replaced'));
  try {
    renameSync(build, target);
  } catch (error) {
    // Another install was quicker.
    if (!findBuild(kind)?.manifest) throw error;
  }
}

const prefix = 'staging-';

function stagingFolder(): string {
  const folder = join(cacheFolder(), `${prefix}${hostname()}-${process.pid}-${Date.now()}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Removes what installs left that ended on this machine before they were finished. */
export function removeAbandoned(): void {
  const mine = `${prefix}${hostname()}-`;
  for (const name of existsSync(cacheFolder()) ? readdirSync(cacheFolder()) : []) {
    if (!name.startsWith(mine)) continue;
    const [pid] = name.slice(mine.length).split('-');
    if (!isRunning(Number(pid)))
      rmSync(join(cacheFolder(), name), { recursive: true, force: true, maxRetries: 3 });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
