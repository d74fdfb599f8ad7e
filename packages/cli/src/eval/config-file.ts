import type { Classifier } from '@llr/core';
import type { Experiment } from '@llr/train';
import { experimentIn, folderOf, readConfig } from '../read-config.ts';

/** What a file named by `--config` exports: an experiment, or a classifier that is ready. */
export type Config =
  | { kind: 'experiment'; experiment: Experiment }
  | { kind: 'classifier'; classifier: Classifier };

/**
 * Reads a config file. Its default export is an experiment, a classifier, or a function that makes a classifier.
 *
 * @throws when it is none of these, or no valid experiment
 */
export async function loadConfig(file: string): Promise<Config> {
  const found = await readConfig(
    file,
    'export default defineExperiment({ … }), or a classifier, or a function that makes one.',
  );
  const made: unknown = typeof found === 'function' ? await found() : found;
  if (isClassifier(made)) return { kind: 'classifier', classifier: made };
  if (typeof found === 'function') {
    throw new Error(
      `The function that ${file} exports makes no classifier: an object with name, inputShape, numClasses, forward and freeze, such as fromFunction of @llr/core makes of a plain function.`,
    );
  }
  return { kind: 'experiment', experiment: await experimentIn(found, folderOf(file)) };
}

function isClassifier(value: unknown): value is Classifier {
  const classifier = value as Partial<Classifier> | null | undefined;
  return (
    typeof classifier?.freeze === 'function' &&
    typeof classifier.forward === 'function' &&
    Array.isArray(classifier.inputShape)
  );
}
