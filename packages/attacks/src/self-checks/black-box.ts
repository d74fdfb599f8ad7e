import { correctOnes, isBroken, type Outcome } from './outcome.ts';
import { figure, share, type Warning } from './warning.ts';

/** Of all examples: AutoAttack's threshold. */
const leastShare = 0.002;
const leastExamples = 2;

/**
 * A black-box attack that breaks what the white-box attacks before it left, though they know more (Carlini et al. 2019;
 * AutoAttack: "Square Attack improves the robustness evaluation", from 0.2 % on, too).
 */
export function checkBlackBox(outcome: Outcome): Warning[] {
  const { attacks, examples } = outcome;
  const whiteBox = attacks.filter(({ access }) => access === 'white-box');
  for (const [place, attack] of attacks.entries()) {
    const before = attacks.slice(0, place).filter(({ access }) => access === 'white-box');
    if (attack.access === 'white-box' || before.length === 0) continue;
    // Those after it count too where they got the example, as they do with another active set.
    const alone = correctOnes(outcome).filter(
      (example) => isBroken(example, attack) && !whiteBox.some((other) => isBroken(example, other)),
    ).length;
    if (alone < leastExamples || !(alone > leastShare * examples.length)) continue;
    return [blackBoxWins(attack.name, alone, examples.length, before)];
  }
  return [];
}

const blackBoxWins = (
  name: string,
  alone: number,
  total: number,
  before: Outcome['attacks'],
): Warning => ({
  check: 'black-box-beats-white-box',
  message: `${name}, which sees logits only, broke ${share(alone, total)} (${figure((100 * alone) / total)} %) that no white-box attack broke (${before.map(({ name }) => name).join(', ')}). Attacks that use gradients should be stronger: either those were weak (few steps, one restart), or gradients are masked and the robust accuracy is too high. Add stronger white-box attacks (apgd, multiTargeted, paperSuite), give ${name} more queries, and adapt an attack to the network.`,
});
