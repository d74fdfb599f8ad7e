import { checkNeighbours } from './self-checks/batch-dependent.ts';
import { checkBlackBox } from './self-checks/black-box.ts';
import { checkClassCoverage } from './self-checks/class-coverage.ts';
import { checkCleanAccuracy } from './self-checks/clean-accuracy.ts';
import { checkEpsilon } from './self-checks/epsilon.ts';
import { checkImages } from './self-checks/image-range.ts';
import { checkInference } from './self-checks/inference-gradients.ts';
import { checkSteps } from './self-checks/more-steps.ts';
import { checkEffect } from './self-checks/no-effect.ts';
import type { Outcome } from './self-checks/outcome.ts';
import { checkSeparation } from './self-checks/overlapping-classes.ts';
import { checkRandomness } from './self-checks/randomized.ts';
import { type CheckedBatch, sampleOf } from './self-checks/sample.ts';
import { checkOutputs } from './self-checks/softmax-outputs.ts';
import type { Warning } from './self-checks/warning.ts';
import { checkGradients } from './self-checks/zero-gradients.ts';

export type { Outcome } from './self-checks/outcome.ts';
export type { CheckedBatch } from './self-checks/sample.ts';
export type { Warning } from './self-checks/warning.ts';

/**
 * Looks, before any attack, for reasons why attacks on a classifier may not mean what they seem to: on up to 32 examples of
 * one batch, by about 10 forward passes and 53 gradients of them. No check stops an evaluation.
 *
 * @param batch - as an attack sees it; rows that repeat an index count once
 * @returns nothing where nothing was seen, which is no proof that the evaluation is sound
 */
export async function checkClassifier(batch: CheckedBatch): Promise<Warning[]> {
  const sample = await sampleOf(batch);
  try {
    const ofData = [
      await checkEpsilon(sample),
      await checkImages(sample),
      await checkSeparation(sample),
    ];
    const random = await checkRandomness(sample);
    // Of a random network everything changes, with its neighbours and from step to step.
    const alone = random.length > 0 ? [] : await checkNeighbours(sample);
    const gradients = await checkGradients(sample);
    const steps = gradients.usable && random.length === 0 ? await checkSteps(sample) : [];
    const ofNetwork = [checkOutputs(sample), random, alone, checkInference(sample)];
    return [...ofData, ...ofNetwork, gradients.warnings, steps].flat();
  } finally {
    sample.dispose();
  }
}

/**
 * Looks, after the attacks, for reasons why their result may not mean what it seems to.
 *
 * @param outcome - an evaluation, or several merged
 * @param numClasses - the network's
 */
export function checkOutcome(
  outcome: Outcome,
  { numClasses }: { readonly numClasses: number },
): Warning[] {
  return [
    checkCleanAccuracy(outcome, numClasses),
    checkClassCoverage(outcome, numClasses),
    checkBlackBox(outcome),
    checkEffect(outcome),
  ].flat();
}
