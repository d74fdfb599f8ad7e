import { getGradient, registerGradient, unregisterGradient } from '@tensorflow/tfjs-core';
import { guardCustomGradients } from './custom-gradient-guard.ts';
import { registrations } from './registrations.ts';
import { sortTape } from './sorted-tape.ts';
import './tfjs-core-gradients.generated.js';

/**
 * Makes tfjs's gradients right at first and second order, on whichever backend runs: registers tfjs-core's
 * own gradients (Node's tfjs-core has none), puts right ones over those that are missing or wrong, walks
 * the tape in topological order, and refuses custom gradients that can't be differentiated twice.
 *
 * Idempotent and cheap, so that it can be called before every nested gradient: a later
 * `import '@tensorflow/tfjs'` registers its gradients over these.
 */
export function installHigherOrderGradients(): void {
  sortTape();
  guardCustomGradients();
  for (const registration of registrations) {
    const { kernelName } = registration;
    const current = getGradient(kernelName);
    if (current === registration) continue;
    if (current) unregisterGradient(kernelName);
    registerGradient(registration);
  }
}
