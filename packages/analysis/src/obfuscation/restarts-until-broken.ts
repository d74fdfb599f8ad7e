import type { Evaluation } from '@llr/attacks';
import { correctOnes } from './evidence.ts';

/**
 * For each example that an attack from random starts broke: which start it took, from 1.
 *
 * @param attack - whose runs are called "restart 0", "restart 1", …
 */
export const restartsUntilBroken = (evaluation: Evaluation, attack: string): number[] =>
  correctOnes(evaluation).flatMap(({ brokenIn }) => {
    const run = brokenIn[attack];
    return run == null ? [] : [Number(run.replace('restart ', '')) + 1];
  });
