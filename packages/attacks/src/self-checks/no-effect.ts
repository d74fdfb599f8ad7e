import { correctOnes, isBroken, type Outcome } from './outcome.ts';
import type { Warning } from './warning.ts';

/** Below this, an attack that works may break none by chance. */
const leastExamples = 20;

/**
 * An attack that was tried on every correctly classified example and broke none. (One that came after others and was tried
 * on what they left may well break nothing more.)
 */
export function checkEffect(outcome: Outcome): Warning[] {
  const { threat, attacks } = outcome;
  const correct = correctOnes(outcome);
  if (correct.length < leastExamples || threat.epsilon === 0) return [];
  const idle = attacks.filter(({ name }) =>
    correct.every(({ brokenIn }) => brokenIn[name] === null),
  );
  if (idle.length === 0) return [];
  const names = idle.map(({ name }) => name).join(', ');
  const others = attacks.some((attack) => correct.some((example) => isBroken(example, attack)))
    ? 'Other attacks broke some, so'
    : 'Unless ε is tiny or the network very robust,';
  return [
    {
      check: 'no-effect',
      message: `${names} broke none of the ${correct.length} examples that the network gets right. ${others} this has no effect here, which is no evidence of robustness: gradients may be masked, the steps far too small for ε, or an attack of your own may return no perturbation. Look at the perturbations (adversarialExamples).`,
    },
  ];
}
