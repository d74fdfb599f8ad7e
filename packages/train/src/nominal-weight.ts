import type { Regularizer } from '@llr/core';

/**
 * w, the weight of ℓ(x) in the objective: the one the regularisers call for, 1 if none does.
 *
 * @throws when two regularisers call for different weights
 */
export function nominalWeightOf(regularizers: readonly Regularizer[]): number {
  const asked = regularizers.filter(({ nominalWeight }) => nominalWeight !== undefined);
  const [first, ...others] = asked;
  const other = others.find(({ nominalWeight }) => nominalWeight !== first?.nominalWeight);
  if (first && other) {
    throw new Error(
      `The regularisers ${first.name} and ${other.name} call for different weights of the nominal loss (${first.nominalWeight} and ${other.nominalWeight}). Give both the same nominalWeight.`,
    );
  }
  return first?.nominalWeight ?? 1;
}
