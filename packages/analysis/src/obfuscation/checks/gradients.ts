import type { Check } from '../evidence.ts';

/**
 * Gradients that are missing, NaN or 0 (the self-checks see them at up to 32 examples): what white-box attacks report there
 * says nothing. Any such example counts, as in AutoAttack: where logits are right, it doesn't happen by chance.
 */
export const gradientsCheck: Check = ({ evaluation: { warnings } }) => {
  const seen = warnings.filter(({ check }) => useless.includes(check));
  return {
    check: 'gradients',
    weight: 'masked',
    outcome: seen.length > 0 ? 'failed' : 'passed',
    text:
      seen.map(({ message }) => message).join(' ') ||
      'There is a gradient to follow at every example looked at: none is missing, NaN or 0.',
  };
};

const useless = ['no-gradients', 'nan-gradients', 'zero-gradients', 'no-ascent'];
