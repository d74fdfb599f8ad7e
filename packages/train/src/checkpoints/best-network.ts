import { join } from 'node:path';
import type { TrainableClassifier } from '@llr/core';
import { saveModel } from '@llr/models';
import { type MetricsLine, writeJson } from '../run-directory.ts';
import { replaceFolder } from './replace-folder.ts';

/** What decides which network is the best: accuracy under attack on held-out images. */
export const robustAccuracy = 'validation robust accuracy';

/** Whether a validation beats the best one before. */
export const isBetter = (found: MetricsLine, best: MetricsLine | null): boolean =>
  !best || found[robustAccuracy]! > best[robustAccuracy]!;

/** Saves a network whole in a folder, as `saveModel` does, with `validation.json`: what it scored, and when. */
export async function saveBest(
  model: TrainableClassifier,
  folder: string,
  validation: MetricsLine,
): Promise<void> {
  await replaceFolder(folder, async (temporary) => {
    await saveModel(model, temporary);
    await writeJson(join(temporary, 'validation.json'), validation);
  });
}
