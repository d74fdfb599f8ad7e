import type { GradConfig, Tensor } from '@tensorflow/tfjs-core';
import { activations } from './activations.ts';
import { batchNormalization } from './batch-normalization.ts';
import { comparisons } from './comparisons.ts';
import { convolutions } from './convolutions.ts';
import { pooling } from './pooling.ts';
import { rearrangements } from './rearrangements.ts';
import { reductions } from './reductions.ts';

/**
 * The gradients that tfjs lacks, has wrong, or makes too dear. Each is made of differentiable ops, so it
 * can be differentiated again.
 */
const gradients = {
  ...activations,
  ...batchNormalization,
  ...comparisons,
  ...convolutions,
  ...pooling,
  ...rearrangements,
  ...reductions,
};

export const registrations: readonly GradConfig[] = Object.entries(gradients).map(
  ([kernelName, { save, saveOutputs = [], gradient }]) => ({
    kernelName,
    inputsToSave: [...save],
    outputsToSave: [...saveOutputs],
    gradFunc: (dy, saved, attrs) => gradient(dy as Tensor, saved, attrs),
  }),
);
