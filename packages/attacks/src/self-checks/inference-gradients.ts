import { engine, tidy } from '@tensorflow/tfjs-core';
import type { Sample } from './sample.ts';
import type { Warning } from './warning.ts';

/**
 * A network that takes gradients while it predicts (AutoAttack: "optimization at inference time"), as purification and
 * other adaptive defences do.
 */
export function checkInference({ problem, few }: Sample): Warning[] {
  const taken = gradientsTaken(() => tidy(() => problem.logits(few.images)).dispose());
  if (taken === 0) return [];
  return [
    {
      check: 'gradients-at-inference',
      message: `The network takes gradients while it predicts (${taken} in one pass): it seems to optimise something at inference time. Attacks of a fixed network's kind are known to overestimate the robustness of such defences; treat the result as a first estimate, and attack the optimisation itself (Croce et al. 2022).`,
    },
  ];
}

/** How often tfjs was asked for gradients: all its ways of taking one go through this method. */
function gradientsTaken(predict: () => void): number {
  const tfjs = engine() as ReturnType<typeof engine>;
  const own = Object.getOwnPropertyDescriptor(tfjs, 'gradients');
  const gradients = tfjs.gradients;
  let taken = 0;
  tfjs.gradients = function counted(this: typeof tfjs, ...args: Parameters<typeof gradients>) {
    taken++;
    return gradients.apply(this, args);
  } as typeof gradients;
  try {
    predict();
  } finally {
    if (own) Object.defineProperty(tfjs, 'gradients', own);
    else delete (tfjs as { gradients?: unknown }).gradients;
  }
  return taken;
}
