import type { MetricsLine, TrainCallback } from '@llr/train';
import type { Output } from '../output.ts';
import { trainingText } from './training-text.ts';

/** Shows a training as a progress bar: how fast it goes, what the latest step measured, and the last validation. */
export function trainingBar(variant: string, out: Output): TrainCallback {
  const bar = out.bar(`${variant}: training`, 'images');
  let validated: MetricsLine | undefined;
  return {
    onStep: (progress) => {
      const { step, steps, imagesPerSecond } = progress;
      bar.update(step, steps, trainingText(progress, validated), imagesPerSecond);
    },
    onMetrics: (line) => {
      if ('validation accuracy' in line) validated = line;
    },
    onEnd: () => bar.done(),
  };
}
