import { type Evaluation, evaluate } from '@llr/attacks';
import type { Attack, Classifier, ImageSource } from '@llr/core';
import { subset } from '@llr/datasets';
import { type ThreatDescription, threatModel, writeJson } from '@llr/train';
import type { Output } from './output.ts';

/** Attacks a network on the first test images, with a progress bar. */
export async function evaluateNetwork(
  input: {
    name: string;
    classifier: Classifier;
    test: ImageSource;
    attacks: readonly Attack[];
    threat: ThreatDescription;
    seed: number;
    examples?: number | undefined;
    batchSize?: number | undefined;
    file: string;
  },
  out: Output,
): Promise<Evaluation> {
  const { classifier, test, attacks, seed, batchSize = 128 } = input;
  const size = Math.min(input.examples ?? test.size, test.size);
  const data = size < test.size ? subset(test, { size }) : test;
  const threat = threatModel(input.threat);
  const bar = out.bar(`${input.name}: attacks`, 'tries');
  try {
    const evaluation = await evaluate({
      classifier,
      data,
      attacks,
      threat,
      seed,
      batchSize,
      activeSet: 'within-attack',
      onProgress: ({ attack, done, total, settled, robust }) =>
        bar.update(done, total, `${robust} of ${settled} robust, ${attack}`),
    });
    await writeJson(input.file, evaluation);
    return evaluation;
  } finally {
    bar.done();
    threat.radius.dispose();
  }
}
