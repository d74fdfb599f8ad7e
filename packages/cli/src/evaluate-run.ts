import { type Evaluation, evaluate } from '@llr/attacks';
import type { Attack, Classifier, ImageSource } from '@llr/core';
import { subset } from '@llr/datasets';
import { type ThreatDescription, threatModel, writeJson } from '@llr/train';
import { defaultBatchSize } from './eval/batch-size.ts';
import { evaluationBar } from './eval/evaluation-bar.ts';
import type { Output } from './output.ts';
import { warn } from './warn.ts';

/** Attacks a network that was just trained on the first test images, each attack by itself. */
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
  const { classifier, test, attacks, seed } = input;
  const { batchSize = defaultBatchSize(classifier.inputShape) } = input;
  const size = Math.min(input.examples ?? test.size, test.size);
  const data = size < test.size ? subset(test, { size }) : test;
  const threat = threatModel(input.threat);
  const bar = evaluationBar(input.name, out);
  try {
    const evaluation = await evaluate({
      classifier,
      data,
      attacks,
      threat,
      seed,
      batchSize,
      activeSet: 'within-attack',
      onProgress: bar.onProgress,
    });
    await writeJson(input.file, evaluation);
    bar.done();
    warn(input.name, evaluation, out);
    return evaluation;
  } finally {
    bar.done();
    threat.radius.dispose();
  }
}
