import { candidates } from './candidates.ts';
import type { EngineName } from './engine-names.ts';
import { describeGpu, type GpuReport } from './nvidia.ts';
import { platformProblem } from './tensorflow/requirements.ts';
import { startFirst, wantedEngine } from './use-engine.ts';
import { wasmThreads } from './wasm.ts';

export interface EngineReport {
  name: EngineName;
  /** The version installed, of TensorFlow (tensorflow, tensorflow-gpu) or of the engine's package. */
  version?: string;
  /** Whether this is the engine a command would use. */
  taken: boolean;
  /** Why it was taken, or why not. */
  reason: string;
  /** The command that would make it available. */
  install?: string;
}

export interface EnginesReport {
  /** Fastest first. */
  engines: readonly EngineReport[];
  gpu: GpuReport;
}

/**
 * Every engine this machine could use: its version, whether it would be taken and why, and the command that would make
 * it available; and what there is of a GPU's software. Starts the engine that is taken, and no slower one. That none
 * is taken is no error: the reasons say why.
 *
 * @throws when the engine asked for is no engine
 */
export async function describeEngine(prefer?: EngineName): Promise<EnginesReport> {
  const wanted = wantedEngine(prefer ? { prefer } : {});
  const { inUse, skipped } = await startFirst(wanted, undefined);
  const reasons = new Map(skipped.map(({ name, reason }) => [name, reason]));
  const unsuitable = platformProblem() !== undefined;
  const engines = candidates.map((candidate): EngineReport => {
    const { name, install } = candidate;
    const version = candidate.version();
    const taken = name === inUse?.name;
    const untried = wanted ? `not tried: ${wanted} was asked for` : 'not tried: a faster one loads';
    const reason = taken
      ? inUseAs(name)
      : (reasons.get(name) ?? untried).replace(`: ${install}`, '');
    const available = version !== undefined || (unsuitable && install.startsWith('llr '));
    return { name, taken, reason, ...(version && { version }), ...(!available && { install }) };
  });
  return { engines, gpu: describeGpu() };
}

function inUseAs(name: EngineName): string {
  const running = name === 'wasm' ? wasmThreads() : undefined;
  if (!running) return 'in use';
  const { threads, reason } = running;
  return `in use, on ${threads} thread${threads > 1 ? 's' : ''}${reason ? ` (${reason})` : ''}`;
}
