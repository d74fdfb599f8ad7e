import type { Attack, RandomSource, Run } from '@llr/core';
import { add, dispose, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { readAllowed } from './allowed.ts';
import { groupsOf, type PaddedBatch, paddedBatch } from './examples.ts';
import { predict } from './predictions.ts';
import { nextTurn } from './progress.ts';
import { correctRows, type Setting } from './setting.ts';
import { purposeOf, targetOf, wrongClasses } from './targets.ts';

/** What one run of an attack did to one example. */
export interface Attempt {
  readonly row: number;
  readonly run: Run;
  /** What the network makes of the perturbed image. */
  readonly prediction: number;
  /** `[h · w · c]`; a view, to be copied by whoever keeps it. */
  readonly perturbation: Float32Array;
}

/**
 * Makes every run of an attack on the correctly classified examples. One that is broken (its prediction differs from its
 * label) is not attacked again; the others close ranks, so that batches stay full.
 *
 * @param onAttempt - sees each attempt; the last one of an example is the one that broke it, if any did
 * @returns the rows that no run broke, and the number of runs
 * @throws Error naming the attack, when it has no runs or returns what the threat model doesn't allow
 */
export async function attackExamples(
  setting: Setting,
  attack: Attack,
  onAttempt: (attempt: Attempt) => void = () => {},
): Promise<{ survivors: number[]; runs: number }> {
  const { classifier, examples, batchSize, onProgress } = setting;
  const runs = attack.runs(classifier);
  if (runs.length === 0) throw new Error(`Attack "${attack.name}" makes no runs.`);
  const random = setting.random.fork(attack.name);
  let active = correctRows(setting);
  const progress = { attack: attack.name, done: 0, total: active.length * runs.length };
  onProgress({ ...progress });
  for (const [number, run] of runs.entries()) {
    const survivors: number[] = [];
    for (const rows of groupsOf(active, batchSize)) {
      const batch = paddedBatch(examples, rows, batchSize);
      try {
        for (const attempt of await attackBatch(setting, attack, run, random, batch)) {
          onAttempt(attempt);
          const broken = attempt.prediction !== examples.labels[attempt.row];
          if (!broken) survivors.push(attempt.row);
          progress.done += broken ? runs.length - number : 1;
        }
      } finally {
        dispose([batch.images, batch.labels]);
      }
      onProgress({ ...progress });
      await nextTurn();
    }
    active = survivors;
  }
  return { survivors: active, runs: runs.length };
}

async function attackBatch(
  { network, threat, epsilon }: Setting,
  attack: Attack,
  run: Run,
  random: RandomSource,
  batch: PaddedBatch,
): Promise<Attempt[]> {
  const { rows, images, labels, indices } = batch;
  if (!('perturb' in attack)) throw new Error('Staged attacks are not run yet.');
  const logits = network.forward(images);
  const rankable = (await logits.array()) as number[][];
  logits.dispose();
  const classes = (await labels.data()) as Int32Array;
  const purpose = purposeOf(run);
  const goals = rankable.map((of, i) =>
    targetOf(
      run,
      wrongClasses(of, classes[i]!),
      random.fork(...purpose).forExamples([indices[i]!]),
    ),
  );
  const targets =
    run.target === undefined ? undefined : tensor1d(Int32Array.from(goals, Number), 'int32');
  const problem = {
    images,
    labels,
    indices,
    threat,
    logits: network.logits,
    random: random.forExamples(
      indices,
      Array.from(indices, () => purpose),
    ),
    ...(targets && { targets }),
  };
  const perturbation = await attack.perturb(problem);
  targets?.dispose();
  try {
    const by = `Attack "${attack.name}" (${run.name})`;
    const delta = await readAllowed(perturbation, batch, threat, epsilon, by);
    const perturbed = tidy((): Tensor4D => add(images, perturbation));
    const predictions = await predict(network, perturbed, batch).finally(() => perturbed.dispose());
    const length = delta.length / images.shape[0];
    return rows.map((row, i) => ({
      row,
      run,
      prediction: predictions[i]!,
      perturbation: delta.subarray(i * length, (i + 1) * length),
    }));
  } finally {
    dispose(perturbation);
  }
}
