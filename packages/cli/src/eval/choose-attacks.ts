import type { Attack, Classifier } from '@llr/core';
import { attacksIn } from './attack-file.ts';
import {
  type AttackName,
  attackNamed,
  type Strength,
  type SuiteName,
  suiteNamed,
} from './named-attacks.ts';

/** What the command line says of attacks. */
export interface AttackChoice {
  suite?: SuiteName;
  attacks?: readonly AttackName[];
  attackFile?: string;
  steps?: number;
  restarts?: number;
}

/** @throws for options that contradict one another */
export function assertChoice({ suite, attacks, restarts }: AttackChoice): void {
  if (suite && attacks) throw new Error('Give --suite or --attacks, not both.');
  if (suite === 'standard' && restarts !== undefined) {
    throw new Error(
      '--suite standard makes one start of each attack. Give --restarts with --attacks of your choice.',
    );
  }
}

/** The attacks chosen, in order: a suite (by default the quick one) or named ones, then those of the user's own file. */
export async function chosenAttacks(
  { suite, attacks, attackFile, steps, restarts }: AttackChoice,
  classifier: Classifier,
  epsilon: number,
): Promise<readonly Attack[]> {
  const strength: Strength = { epsilon, steps, restarts };
  const own = attackFile === undefined ? [] : await attacksIn(attackFile, epsilon);
  if (attacks) return [...attacks.map((name) => attackNamed(name, strength)), ...own];
  if (suite === undefined && own.length > 0) return own;
  return [...suiteNamed(suite ?? 'quick', classifier, strength), ...own];
}
