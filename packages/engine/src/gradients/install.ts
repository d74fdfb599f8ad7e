import { getGradient, registerGradient, unregisterGradient } from '@tensorflow/tfjs-core';
import { completeBatchNormalization } from './batch-normalization.ts';
import { guardCustomGradients } from './custom-gradient-guard.ts';
import { explainFailedGradients } from './failed-gradient.ts';
import { registrations } from './registrations.ts';
import { sortTape } from './sorted-tape.ts';
import './tfjs-core-gradients.generated.js';

/**
 * Makes tfjs's gradients right at first and second order, on whichever backend runs: registers tfjs-core's
 * own gradients (Node's tfjs-core has none), puts right ones over those that are missing or wrong, walks
 * the tape in topological order, and refuses, by an error that names the op and the remedy, what can't be
 * differentiated twice: an op without a gradient, and a custom gradient (`tf.customGrad`) that computes with
 * a tensor of its own forward pass other than its inputs and its output, saved or captured
 * (`tf.losses.softmaxCrossEntropy` does). The README lists the ops that are covered.
 *
 * What can't be detected: values that a custom gradient reads into JavaScript (`dataSync`) in its forward
 * pass, and tensors that it captures from outside, which it treats as constants at every order.
 *
 * Idempotent and cheap, so that it can be called before every nested gradient: a later
 * `import '@tensorflow/tfjs'` registers its gradients over these.
 */
export function installHigherOrderGradients(): void {
  sortTape();
  guardCustomGradients();
  explainFailedGradients();
  completeBatchNormalization();
  for (const registration of registrations) {
    const { kernelName } = registration;
    const current = getGradient(kernelName);
    if (current === registration) continue;
    if (current) unregisterGradient(kernelName);
    registerGradient(registration);
  }
}
