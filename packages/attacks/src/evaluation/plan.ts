import type { Attack, Classifier, Run } from '@llr/core';

/** An attack and its tries against one classifier. */
export interface PlannedAttack {
  readonly attack: Attack;
  readonly runs: readonly Run[];
  /** Whether its runs aim at classes. */
  readonly targeted: boolean;
}

/** Which tries are made: all lead to the same worst case. */
export type ActiveSet = 'across-attacks' | 'within-attack' | 'off';

/** What is done to every example, in this order. */
export interface Plan {
  readonly attacks: readonly PlannedAttack[];
  readonly activeSet: ActiveSet;
  readonly targetedSuccess: boolean;
  /** How many tries come before each attack; the last number is that of all. */
  readonly triesBefore: readonly number[];
}

/** @throws Error for an attack without runs or a name of its own */
export function planFor(
  attacks: readonly Attack[],
  classifier: Classifier,
  { activeSet, targetedSuccess }: Pick<Plan, 'activeSet' | 'targetedSuccess'>,
): Plan {
  assertNames(attacks);
  const planned = attacks.map((attack) => {
    const runs = attack.runs(classifier);
    if (runs.length === 0) throw new Error(`Attack "${attack.name}" makes no runs.`);
    return { attack, runs, targeted: runs.every(({ target }) => target !== undefined) };
  });
  const triesBefore = [0];
  for (const { runs } of planned) triesBefore.push(triesBefore.at(-1)! + runs.length);
  return { attacks: planned, activeSet, targetedSuccess, triesBefore };
}

function assertNames(attacks: readonly Attack[]): void {
  const names = attacks.map(({ name }) => name);
  for (const name of names) {
    if (name === '' || name === 'clean') {
      throw new Error(`An attack can't be called "${name}": give it another name.`);
    }
    if (names.indexOf(name) !== names.lastIndexOf(name)) {
      throw new Error(
        `Two attacks are called "${name}": give one another name, by its option name.`,
      );
    }
  }
}
