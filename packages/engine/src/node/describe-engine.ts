import { candidates, type EngineName, installedVersion } from './candidates.ts';
import { useEngine } from './use-engine.ts';

export interface EngineReport {
  name: EngineName;
  /** Version of the engine's package, where it is installed. */
  version?: string;
  /** Whether this is the engine a command would use. */
  taken: boolean;
  /** Why it was taken, or why not. */
  reason: string;
  /** The command that would make it available. */
  install?: string;
}

/**
 * Every engine this machine could use, fastest first: its version, whether it would be taken and why, and
 * the command that would make it available. Starts the one that is taken.
 *
 * @throws as `useEngine` does
 */
export async function describeEngine(prefer?: EngineName): Promise<readonly EngineReport[]> {
  const inUse = await useEngine(prefer ? { prefer } : {});
  const skipped = new Map(inUse.skipped.map(({ name, reason }) => [name, reason]));
  return candidates.map((candidate) => {
    const version = installedVersion(candidate.package);
    const taken = candidate.name === inUse.name;
    const reason = taken
      ? 'in use'
      : (skipped.get(candidate.name) ?? 'not tried: a faster one loads');
    return {
      name: candidate.name,
      taken,
      reason,
      ...(version ? { version } : { install: `npm install ${candidate.package}` }),
    };
  });
}
