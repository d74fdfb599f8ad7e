import { dispose } from '@tensorflow/tfjs-core';
import { paddedBatch } from './batch.ts';
import type { Findings } from './journal.ts';
import type { Plan } from './plan.ts';
import { type Predicted, predict } from './predictions.ts';
import { type Example, readExamples } from './read-examples.ts';
import type { Setting } from './setting.ts';
import { Subject } from './subject.ts';
import { wrongClasses } from './targets.ts';

/** Hears of examples read for the first time. */
export type OnClean = (
  subjects: readonly Subject[],
  examples: readonly Example[],
) => void | Promise<void>;

/**
 * Reads and classifies, batch by batch, the examples that the findings don't settle, and adds them to the findings.
 *
 * @throws Error when an example is not predicted as the findings have it
 */
export async function* readOn(
  setting: Setting,
  plan: Plan,
  { subjects }: Findings,
  onClean: OnClean = () => {},
): AsyncGenerator<Subject[], void, undefined> {
  const { data, classifier, batchSize } = setting;
  const unsettled = subjects.findIndex(({ settled }) => !settled);
  const first = Math.floor((unsettled < 0 ? subjects.length : unsettled) / batchSize);
  if (first * batchSize >= data.size) return;
  for await (const read of readExamples(data, classifier, batchSize, first)) {
    const known = subjects.length;
    const examples = read.filter(({ position }) => !subjects[position]?.settled);
    if (examples.length === 0) continue;
    const predicted = await classify(setting, examples);
    const some = examples.map((example, row) =>
      admitted(example, predicted[row]!, subjects[example.position], plan),
    );
    for (const subject of some) subjects[subject.position] = subject;
    const isNew = ({ position }: { position: number }) => position >= known;
    await onClean(some.filter(isNew), examples.filter(isNew));
    yield some.filter(({ settled }) => !settled);
  }
}

async function classify(
  { network, batchSize, data }: Setting,
  examples: readonly Example[],
): Promise<Predicted[]> {
  const batch = paddedBatch(examples, batchSize, data.inputShape);
  try {
    return await predict(network, batch.images, batch);
  } finally {
    dispose([batch.images, batch.labels]);
  }
}

/** Gives an example, or what is known of it, what attacks need. */
function admitted(
  { position, index, label, image }: Example,
  { prediction, logits }: Predicted,
  known: Subject | undefined,
  plan: Plan,
): Subject {
  if (known && (known.index !== index || known.prediction !== prediction)) {
    throw new Error(
      `Example ${index} is predicted as ${prediction}, but example ${known.index} was predicted as ${known.prediction} in its place before: an evaluation can't go on with another network, other data or another engine.`,
    );
  }
  const subject = known ?? new Subject({ position, index, label, prediction }, plan);
  if (!subject.settled) {
    subject.image = image;
    subject.wrongClasses = wrongClasses(logits, label);
  }
  return subject;
}
