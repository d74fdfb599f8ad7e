// The two networks that the bench of the attacks is about.
import { adversarialTraining, projectedAscent, sign } from '@llr/core';
import { wideResNet } from '@llr/models';
import { cosineDecay, defineExperiment } from '@llr/train';

export const epsilon = 0.1;

export const architecture = { depth: 10, widthFactor: 2, activation: 'relu' };

/** WRN-10-2 with ReLU, which every peer's users know, on 10,000 images: minutes each on two cores. */
export const experiment = defineExperiment({
  name: 'bench-attacks',
  data: 'fashion-mnist',
  model: (request) => wideResNet({ ...request, ...architecture }),
  threat: { norm: 'linf', epsilon },
  train: {
    epochs: 4,
    batchSize: 128,
    examples: 10_000,
    optimizer: 'adam',
    learningRate: cosineDecay(4e-3),
    epsilonRamp: 1,
  },
  variants: {
    robust: {
      regularizers: [
        adversarialTraining({
          maximizer: projectedAscent({ optimizer: sign(), stepSize: 0.05, steps: 3 }),
        }),
      ],
    },
    'not-robust': {},
  },
});
