import type { Check } from '../evidence.ts';

/** What makes attacks on a network weaker than they look: the self-checks that AutoAttack has too. */
export const networkCheck: Check = ({ evaluation: { warnings } }) => {
  const seen = warnings.filter(({ check }) => adaptiveNeeded.includes(check));
  return {
    check: 'network',
    weight: 'suspicious',
    outcome: seen.length > 0 ? 'failed' : 'passed',
    text:
      seen.map(({ message }) => message).join(' ') ||
      'The network gives logits, the same each time, whatever the neighbours in the batch, and optimises nothing while it predicts.',
  };
};

const adaptiveNeeded = [
  'randomized',
  'batch-dependent',
  'gradients-at-inference',
  'softmax-outputs',
  'saturated-cross-entropy',
];
