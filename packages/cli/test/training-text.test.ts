import { describe, expect, it } from 'vitest';
import { trainingText } from '../src/train/training-text.ts';

const progress = {
  step: 12,
  steps: 100,
  epoch: 1.24,
  epsilon: 0.05,
  learningRate: 0.002,
  imagesPerSecond: 512,
  dataWait: 0.034,
  metrics: {
    objective: 1.5,
    'linearity error': 0.0214,
    'directional derivative': 0.1,
    loss: 0.51234,
    accuracy: 0.8,
    'penalty of LLR': 0.9,
  },
};

describe('what the bar says of a training', () => {
  it('names the terms of the loss as the paper does, and what is set', () => {
    expect(trainingText(progress)).toBe(
      'epoch 1.2 | loss 0.512, g 0.0214, |δᵀ∇ℓ| 0.100 | ε 0.050, lr 2.0e-3 | data wait 3 %',
    );
  });

  it('shows the last validation', () => {
    const line = {
      step: 8,
      epoch: 1,
      'validation accuracy': 0.9,
      'validation robust accuracy': 0.431,
    };
    expect(trainingText(progress, line)).toContain(' | clean 90.0 %, robust 43.1 % | ');
  });

  it('shows what a regulariser of one’s own reports, or else the objective', () => {
    const own = { ...progress, metrics: { objective: 2, 'curvature found': 0.25 } };
    expect(trainingText(own)).toContain('| curvature found 0.250 |');
    const silent = { ...progress, metrics: { objective: 2, 'penalty of mine': 2 } };
    expect(trainingText(silent)).toContain('| objective 2.00 |');
  });
});
