import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attack, Classifier, ImageSource } from '@llr/core';
import { alone, rank0, runFiles, type ThreatDescription, type World } from '@llr/train';
import { defaultBatchSize } from './eval/batch-size.ts';
import { firstDifference, type Provenance, provenanceOf } from './eval/provenance.ts';
import { type EvaluationFile, runEvaluation } from './eval/run-evaluation.ts';
import { sha256OfModel } from './eval/weights-of.ts';
import type { Output } from './output.ts';
import { warn } from './warn.ts';

/** A network that was just trained, and what its experiment says of its evaluation. */
export interface TrainedNetwork {
  name: string;
  classifier: Classifier;
  /** The run's folder. */
  directory: string;
  test: ImageSource;
  attacks: readonly Attack[];
  threat: ThreatDescription;
  seed: number;
  engine: string;
  examples?: number | undefined;
  batchSize?: number | undefined;
  /** Where the evaluation goes. Default: the run's folder. */
  results?: string | undefined;
  /** Default false. */
  targetedSuccess?: boolean | undefined;
}

interface EvaluateOptions {
  /** The processes that share the work. Default: this one alone. */
  world?: World;
  /** What people are told to do when it was stopped. */
  goesOn?: string;
}

/**
 * Attacks a network that was just trained on the first test images, each attack by itself. The evaluation that is there
 * already is taken if it is just this one; one that was stopped is gone on with.
 */
export async function evaluateNetwork(
  network: TrainedNetwork,
  out: Output,
  { world = alone, goesOn = 'The same command with --resume goes on' }: EvaluateOptions = {},
): Promise<EvaluationFile> {
  const { name, classifier, directory, results = directory, test } = network;
  const size = Math.min(network.examples ?? test.size, test.size);
  // The folder may be on rank 0's disk alone.
  const weights = await rank0(world, () => sha256OfModel(join(directory, runFiles.model)));
  const loaded = { ...network, weights };
  const provenance = provenanceOf({
    ...loaded,
    examples: { of: size, ranges: [[0, size]] },
    batchSize: network.batchSize ?? defaultBatchSize(classifier.inputShape),
    activeSet: 'within-attack',
    targetedSuccess: network.targetedSuccess ?? false,
    attackFile: null,
  });
  const result = join(results, runFiles.evaluation);
  const journal = join(results, 'training-evaluation.journal.jsonl');
  const there = world.rank === 0 ? await evaluationThere(result, provenance) : undefined;
  const found = await world.broadcast(there ?? null);
  const evaluation =
    found ??
    (await runEvaluation(
      loaded,
      provenance,
      { result, journal },
      { world, saveTo: undefined, restart: 'where it is of another', goesOn },
      out,
    ));
  warn(name, evaluation, out);
  return evaluation;
}

/** What is in a file, if that is an evaluation of the same. */
async function evaluationThere(
  file: string,
  provenance: Provenance,
): Promise<EvaluationFile | undefined> {
  try {
    const found = JSON.parse(await readFile(file, 'utf8')) as EvaluationFile;
    const same = !firstDifference(found.provenance, JSON.parse(JSON.stringify(provenance)));
    return same ? found : undefined;
  } catch {
    return undefined;
  }
}
