import { env, ready, setBackend } from '@tensorflow/tfjs-core';
import { installHigherOrderGradients } from '../gradients/install.ts';
import { installWasmKernels } from '../wasm/install.ts';
import {
  type Candidate,
  candidates,
  type EngineName,
  engineNames,
  installedVersion,
} from './candidates.ts';
import { startGraphs } from './graphs.ts';

export interface EngineOptions {
  /** Take this engine and no other. Default: the environment variable LLR_ENGINE, else the fastest that loads. */
  prefer?: EngineName;
}

export interface EngineInUse {
  name: EngineName;
  /** The tfjs backend in force. */
  backend: string;
  /** Version of the engine's package. */
  version: string;
  /** What kept each faster engine from being used. */
  skipped: readonly { name: EngineName; reason: string }[];
}

/**
 * Starts the fastest TensorFlow that loads on this machine (tfjs-node-gpu, tfjs-node, wasm, cpu) and makes
 * its gradients right at second order. Call it once, before any tensor is made.
 *
 * @throws when the engine asked for can't be had, or is none of the four
 */
export async function useEngine(options: EngineOptions = {}): Promise<EngineInUse> {
  const wanted = options.prefer ?? fromEnvironment();
  const tried = wanted ? candidates.filter(({ name }) => name === wanted) : candidates;
  const skipped: { name: EngineName; reason: string }[] = [];
  // Without this, tfjs checks every kernel for leaks and falsely reports some.
  env().set('PROD', true);
  for (const candidate of tried) {
    const reason = await start(candidate);
    if (reason === undefined) {
      installHigherOrderGradients();
      const version = installedVersion(candidate.package) ?? 'unknown';
      return { name: candidate.name, backend: candidate.backend, version, skipped };
    }
    skipped.push({ name: candidate.name, reason });
  }
  const reasons = skipped.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  throw new Error(
    wanted
      ? `The engine ${wanted} can't be used: ${skipped[0]!.reason}. Leave the engine out to take the fastest that loads.`
      : `No TensorFlow engine could be started (${reasons}). Install one: npm install @tensorflow/tfjs-backend-wasm @tensorflow/tfjs-core`,
  );
}

function fromEnvironment(): EngineName | undefined {
  const wanted = process.env.LLR_ENGINE;
  if (!wanted) return undefined;
  if (!engineNames.includes(wanted as EngineName)) {
    throw new Error(
      `LLR_ENGINE is "${wanted}", which is no engine. Choose one of ${engineNames.join(', ')}.`,
    );
  }
  return wanted as EngineName;
}

/** Starts an engine; says in a few words why if it can't. */
async function start(candidate: Candidate): Promise<string | undefined> {
  if (installedVersion(candidate.package) === undefined) return 'not installed';
  const listeners = crashListeners();
  try {
    await candidate.register();
    if (!(await setBackend(candidate.backend)))
      return `its backend ${candidate.backend} did not start`;
    await ready();
  } catch (error) {
    return firstLine(error);
  } finally {
    removeCrashListeners(listeners);
  }
  if (candidate.backend === 'wasm') installWasmKernels();
  if (candidate.backend === 'tensorflow') startGraphs(candidate.name.includes('gpu'));
  return undefined;
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
