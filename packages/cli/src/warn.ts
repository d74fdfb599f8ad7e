import type { Evaluation } from '@llr/attacks';
import type { Output } from './output.ts';

/** Says the reasons to doubt an evaluation. */
export function warn(name: string, { warnings }: Evaluation, out: Output): void {
  for (const { check, message } of warnings) out.say(`Warning, ${name} (${check}): ${message}`);
}
