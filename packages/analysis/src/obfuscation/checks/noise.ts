import { mean } from '../../numbers.ts';
import type { Check } from '../evidence.ts';

/** Half of what smooth gradients give; noise of 28 × 28 pixels gives 0 ± 0.03. */
const least = 0.1;

/**
 * Whether perturbations look like noise, "often a sign that the network is gradient obfuscated" (F.4, Fig. F2): neighbouring
 * pixels are moved alike where a network looks at shapes, and independently where it doesn't. A hint only: those of many
 * networks that aren't robust, and hide nothing, look like noise too.
 */
export const noiseCheck: Check = ({ correlations, attacks: { usual } }) => {
  const reason = { check: 'noise', weight: 'hint' } as const;
  if (correlations.length === 0) {
    const text = `${usual.name} left no perturbation to look at: it broke nothing, or pixels have no room to move.`;
    return { ...reason, outcome: 'not run', text };
  }
  const found = mean(correlations);
  const seen = `Neighbouring pixels of the perturbations that break examples have a correlation of ${found.toFixed(2)}`;
  return {
    ...reason,
    outcome: found < least ? 'failed' : 'passed',
    text:
      found < least
        ? `${seen}: they look like noise (0), not like anything that an image shows.`
        : `${seen}: they follow shapes; noise has 0.`,
  };
};
