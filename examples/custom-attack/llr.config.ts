import { pgd } from '@llr/attacks';
import { adversarialTraining, projectedAscent, sign } from '@llr/core';
import { smallConvNet } from '@llr/models';
import { cosineDecay, defineExperiment } from '@llr/train';

const maximizer = projectedAscent({ optimizer: sign(), stepSize: 0.05, steps: 3 });

export default defineExperiment({
  name: 'custom-attack',
  data: 'fashion-mnist',
  model: ({ inputShape, numClasses, seed }) => smallConvNet({ inputShape, numClasses, seed }),
  threat: { norm: 'linf', epsilon: 0.1 },
  train: {
    epochs: 4,
    batchSize: 64,
    examples: 4000,
    optimizer: 'adam',
    learningRate: cosineDecay(2e-3),
  },
  variants: {
    adversarial: { regularizers: [adversarialTraining({ maximizer })] },
  },
  evaluation: {
    attacks: [pgd({ stepSize: 0.02, steps: 20 })],
    examples: 200,
  },
});
