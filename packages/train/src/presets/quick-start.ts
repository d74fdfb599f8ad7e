import { fgsm, multiTargeted, pgd } from '@llr/attacks';
import { adam, llr, projectedAscent } from '@llr/core';
import { smallConvNet } from '@llr/models';
import { defineExperiment } from '../experiment.ts';
import { cosineDecay } from '../schedules.ts';

/** What `npm start` runs: a nominal network and one with LLR, minutes on two cores without a compiler or GPU. */
export const quickStart = defineExperiment({
  name: 'quick-start',
  data: 'fashion-mnist',
  model: smallConvNet,
  threat: { norm: 'linf', epsilon: 0.1 },
  train: {
    epochs: 5,
    batchSize: 64,
    examples: 8000,
    optimizer: 'adam',
    learningRate: cosineDecay(2e-3),
    epsilonRamp: 2,
    validation: { examples: 256, attack: fgsm() },
  },
  variants: {
    nominal: {},
    LLR: {
      regularizers: [
        llr({
          lambda: 4,
          mu: 3,
          maximizer: projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 3 }),
        }),
      ],
    },
  },
  evaluation: {
    attacks: [
      fgsm(),
      pgd({ stepSize: 0.02, steps: 20 }),
      multiTargeted({ stepSize: 0.05, steps: 10 }),
    ],
    examples: 500,
  },
});
