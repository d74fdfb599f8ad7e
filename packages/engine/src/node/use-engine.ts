import { env, ready, setBackend } from '@tensorflow/tfjs-core';
import { installHigherOrderGradients } from '../gradients/install.ts';
import { installWasmKernels } from '../wasm/install.ts';
import { type Candidate, candidates } from './candidates.ts';
import { type EngineName, engineNames } from './engine-names.ts';
import { startGraphs } from './graphs.ts';
import { takeOwnGpu } from './own-gpu.ts';

export interface EngineOptions {
  /** Take this engine and no other. Default: the environment variable LLR_ENGINE, else the fastest that loads. */
  prefer?: EngineName;
  /** How many threads the engine computes with, 1 or more; cpu always has one. Default: one for each core, on wasm one fewer. */
  threads?: number;
}

export interface EngineInUse {
  name: EngineName;
  /** The tfjs backend in force. */
  backend: string;
  /** Version of TensorFlow (tensorflow, tensorflow-gpu) or of the engine's package. */
  version: string;
  /** What kept each faster engine from being used. */
  skipped: readonly SkippedEngine[];
}

export interface SkippedEngine {
  name: EngineName;
  reason: string;
}

/**
 * Starts the fastest TensorFlow that loads on this machine (tensorflow-gpu, tfjs-node-gpu, tensorflow, tfjs-node, wasm,
 * cpu) and makes its gradients right at second order. Call it once, before any tensor is made: of the first four, a
 * process can load only one.
 *
 * @throws when the engine asked for can't be had, is none of the six, or when `threads` is no whole number above 0
 * or comes too late
 */
export async function useEngine(options: EngineOptions = {}): Promise<EngineInUse> {
  const wanted = wantedEngine(options);
  const { inUse, skipped } = await startFirst(wanted, options.threads);
  if (inUse) return { ...inUse, skipped };
  const reasons = skipped.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  throw new Error(
    wanted
      ? `The engine ${wanted} can't be used: ${skipped[0]!.reason}. Leave the engine out to take the fastest that loads.`
      : `No TensorFlow engine could be started (${reasons}). Install one: npm install @tensorflow/tfjs-backend-wasm @tensorflow/tfjs-core`,
  );
}

/**
 * The engine asked for, by the options or by LLR_ENGINE.
 *
 * @throws when it is no engine
 */
export function wantedEngine({ prefer }: EngineOptions): EngineName | undefined {
  if (prefer !== undefined) return checked(prefer, 'The engine asked for');
  const wanted = process.env.LLR_ENGINE;
  return wanted ? checked(wanted, 'LLR_ENGINE') : undefined;
}

function checked(name: string, what: string): EngineName {
  if (engineNames.includes(name as EngineName)) return name as EngineName;
  throw new Error(
    `${what} is "${name}", which is no engine. Choose one of ${engineNames.join(', ')}.`,
  );
}

/** Starts the one wanted, or the first that loads; and what kept each before it from being used. */
export async function startFirst(
  wanted: EngineName | undefined,
  threads: number | undefined,
): Promise<{ inUse?: Omit<EngineInUse, 'skipped'>; skipped: SkippedEngine[] }> {
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new RangeError(`threads must be a whole number, 1 or more, and is ${threads}.`);
  const skipped: SkippedEngine[] = [];
  // Without this, tfjs checks every kernel for leaks and falsely reports some.
  env().set('PROD', true);
  for (const candidate of candidates) {
    if (wanted && candidate.name !== wanted) continue;
    const reason = await start(candidate, threads);
    if (reason === undefined) {
      installHigherOrderGradients();
      const { name, backend } = candidate;
      return { inUse: { name, backend, version: candidate.version() ?? 'unknown' }, skipped };
    }
    skipped.push({ name: candidate.name, reason });
  }
  return { skipped };
}

/** The TensorFlow that this process has loaded: there can be no second. */
let loaded: { name: EngineName; threads: number | undefined } | undefined;

/** Starts an engine; says in a few words why if it can't. */
async function start(candidate: Candidate, threads?: number): Promise<string | undefined> {
  const { name, backend } = candidate;
  const isTensorFlow = backend === 'tensorflow';
  const again = isTensorFlow && loaded?.name === name;
  if (again) {
    checkThreads(threads);
  } else {
    const obstacle = (name.endsWith('gpu') && takeOwnGpu()) || (await candidate.obstacle());
    if (obstacle) return obstacle;
    if (isTensorFlow && loaded) return `${loaded.name} is loaded in this process already`;
  }
  const listeners = crashListeners();
  try {
    if (!again) {
      if (isTensorFlow) prepareTensorFlow(threads);
      await candidate.register(threads === undefined ? {} : { threads });
      if (isTensorFlow) loaded = { name, threads };
    }
    if (!(await setBackend(backend))) return `its backend ${backend} did not start`;
    await ready();
  } catch (error) {
    return firstLine(error);
  } finally {
    removeCrashListeners(listeners);
  }
  if (backend === 'wasm') installWasmKernels();
  if (isTensorFlow) startGraphs(name.endsWith('gpu'));
  return undefined;
}

/** TensorFlow reads these once, when it is loaded. */
function prepareTensorFlow(threads: number | undefined): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (threads === undefined) return;
  for (const name of ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'OMP_NUM_THREADS'])
    process.env[name] = String(threads);
}

function checkThreads(threads: number | undefined): void {
  if (threads === undefined || threads === loaded?.threads) return;
  const has = loaded?.threads ? `has ${loaded.threads}` : 'has one for each core';
  throw new Error(
    `TensorFlow's threads are chosen when it is loaded: it ${has} and can't take ${threads} any more. Ask for them in the first call of useEngine.`,
  );
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error))
    .split('\n')[0]!
    .trim()
    .replace(/\.$/, '');

const crashes = ['uncaughtException', 'unhandledRejection'] as const;

const crashListeners = () =>
  new Set(crashes.flatMap((event) => process.listeners(event as 'exit')));

/** The wasm module answers every uncaught error by throwing it again, under 60 kB of its own source. */
function removeCrashListeners(known: ReadonlySet<unknown>): void {
  for (const event of crashes) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!known.has(listener)) process.removeListener(event, listener as () => void);
    }
  }
}
