import { fgsm, pgd } from '@llr/attacks';
import { smallConvNet } from '@llr/models';
import { cosineDecay, defineExperiment } from '@llr/train';
import { inputGradientPenalty } from './input-gradient-penalty.ts';

export default defineExperiment({
  name: 'input-gradient-penalty',
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
    nominal: {},
    'gradient-penalty': { regularizers: [inputGradientPenalty(1)] },
  },
  evaluation: {
    attacks: [fgsm(), pgd({ stepSize: 0.02, steps: 20 })],
    examples: 500,
  },
});
