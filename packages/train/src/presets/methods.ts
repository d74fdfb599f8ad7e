import type { Named } from '../plain/plain-experiment.ts';

/** A network's regularisers, and where their numbers are from: by the path below the first of them. */
export interface Method {
  variant: string;
  /** For a preset's description. */
  label: string;
  regularizers: Named[];
  sources: Readonly<Record<string, string>>;
}

/** The paper's inner maximisation: Adam with steps of 0.1. */
const search = (steps: number) => ({ optimizer: 'adam', stepSize: 0.1, steps });

/** Where a number is from; of several that differ, by the number's name. */
type Place = string | { lambda?: string; mu?: string; steps?: string };

const placed = (place: Place, name: 'lambda' | 'mu' | 'steps'): string =>
  typeof place === 'string' ? place : (place[name] ?? 'F.2');

/** LLR: λ·g + μ·|δᵀ∇ₓℓ| + w·ℓ. */
export function llrMethod(
  {
    lambda,
    mu,
    nominalWeight,
    steps,
  }: { lambda: number; mu: number; nominalWeight: number; steps: number },
  place: Place = 'F.2',
  variant = 'LLR',
): Method {
  return {
    variant,
    label: mu === 0 ? `γ alone (λ ${lambda})` : `LLR (λ ${lambda}, μ ${mu})`,
    regularizers: [{ name: 'llr', lambda, mu, nominalWeight, maximizer: search(steps) }],
    sources: {
      lambda: placed(place, 'lambda'),
      mu: placed(place, 'mu'),
      nominalWeight: 'F.2',
      'maximizer.optimizer': 'F.2',
      'maximizer.stepSize': 'F.2',
      'maximizer.steps': placed(place, 'steps'),
    },
  };
}

/** ADV-k: adversarial training with k steps. */
export function advMethod(steps: number, place: Place = 'F.2', variant = 'ADV'): Method {
  return {
    variant,
    label: 'adversarial training',
    regularizers: [{ name: 'adversarial-training', maximizer: search(steps) }],
    sources: {
      'maximizer.optimizer': typeof place === 'string' ? place : 'F.2',
      'maximizer.stepSize': typeof place === 'string' ? place : 'F.2',
      'maximizer.steps': placed(place, 'steps'),
    },
  };
}

/** TRADES with the same search. */
export function tradesMethod(
  beta: number,
  steps: number,
  { beta: place, search: searched = 'F.2' }: { beta: string; search?: string },
  variant = 'TRADES',
): Method {
  return {
    variant,
    label: `TRADES (β ${beta})`,
    regularizers: [{ name: 'trades', beta, maximizer: search(steps) }],
    sources: {
      beta: place,
      'maximizer.optimizer': searched,
      'maximizer.stepSize': searched,
      'maximizer.steps': searched,
    },
  };
}

/** CURE; h in pixel units, an ℓ2 distance. */
export const cureMethod = (lambda: number, h: number, place: string): Method => ({
  variant: 'CURE',
  label: `CURE (λ ${lambda}, h ${h})`,
  regularizers: [{ name: 'cure', lambda, h }],
  sources: { lambda: place, h: place },
});

export const nominalMethod: Method = {
  variant: 'nominal',
  label: 'no regulariser',
  regularizers: [],
  sources: {},
};
