import type { Evaluation } from '@llr/attacks';
import { epsilonText } from './format.ts';

const signs: Record<string, string> = { linf: 'ℓ∞', l2: 'ℓ2' };

/** "ℓ∞, ε = 8/255". */
export function threatText({ name, epsilon }: Evaluation['threat']): string {
  const size = epsilon === 'per example' ? 'ε of each example' : `ε = ${epsilonText(epsilon)}`;
  return `${signs[name] ?? name}, ${size}`;
}
