import {
  differenceOfLogitsRatio,
  lossObjective,
  margin,
  type Objective,
  targetedDifferenceOfLogitsRatio,
  targetedMargin,
  targetedObjective,
} from '@llr/core';

export type ObjectiveName = 'cross-entropy' | 'dlr';

/**
 * The objective of that name, or the one given, and what an attack on it is called by.
 *
 * @throws RangeError for another name
 */
export function objectiveOf(chosen: ObjectiveName | Objective): {
  objective: Objective;
  short: string;
} {
  if (typeof chosen === 'object') return { objective: chosen, short: chosen.name };
  if (chosen === 'cross-entropy') return { objective: lossObjective(), short: 'ce' };
  if (chosen === 'dlr') return { objective: ratio, short: 'dlr' };
  throw new RangeError(
    `objective must be 'cross-entropy', 'dlr' or an objective of your own; got ${chosen}.`,
  );
}

/** The difference of logits ratio; of two classes, which have no third logit, the margin. */
const ratio: Objective = {
  ...lossObjective((logits, labels) =>
    logits.shape[1] < 3 ? margin(logits, labels) : differenceOfLogitsRatio(logits, labels),
  ),
  name: 'dlr',
};

/** The targeted difference of logits ratio; of fewer than four classes, the target's margin. */
export const targetedRatio: Objective = {
  ...targetedObjective((logits, labels, targets) =>
    logits.shape[1] < 4
      ? targetedMargin(logits, labels, targets)
      : targetedDifferenceOfLogitsRatio(logits, labels, targets),
  ),
  name: 'targeted-dlr',
};
