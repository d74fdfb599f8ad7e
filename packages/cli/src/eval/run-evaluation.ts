import {
  type AdversarialImage,
  type Evaluation,
  type EvaluationProgress,
  evaluate,
  type Journal,
} from '@llr/attacks';
import type { Attack } from '@llr/core';
import { subset } from '@llr/datasets';
import { threatModel, type World, writeJson } from '@llr/train';
import type { Output } from '../output.ts';
import { onEveryRank } from '../ranks/failure.ts';
import { type AdversarialImages, adversarialImages } from './adversarial-images.ts';
import { evaluationBar } from './evaluation-bar.ts';
import { followRanks } from './follow-ranks.ts';
import { isJournalOf, type JournalFile, openJournal, type SavedImage } from './journal-file.ts';
import { dataInWords, type Provenance } from './provenance.ts';
import {
  assertSameEvaluation,
  folderOfRank,
  joinedParts,
  journalOfRank,
  partOfRank,
} from './rank-part.ts';
import type { ResultFiles } from './result-files.ts';
import { stopBetweenBatches } from './stop-between-batches.ts';
import type { LoadedTarget } from './what-to-evaluate.ts';

/** What is written: an evaluation and what it was made of. */
export type EvaluationFile = Evaluation & { provenance: Provenance };

interface RunOptions {
  /** The processes that evaluate together, each a part of the examples. */
  world: World;
  saveTo: string | undefined;
  /** Whether to begin anew where there is a journal; or only where it is another evaluation's. */
  restart: boolean | 'where it is of another';
  /** What people are told to do when it was stopped. */
  goesOn?: string;
}

/**
 * Evaluates a network and writes the result. What has been judged is in a journal beside it until then: the same call goes
 * on where an earlier one ended, in whatever way. Of several ranks each has a journal of its own, and rank 0 writes.
 *
 * @param provenance - with the one range of examples that is evaluated
 * @returns the same on every rank
 * @throws Interrupted after Ctrl-C, when the batch at hand is in the journal; as `openJournal` and `evaluate` do; with
 *   several ranks, FailedTogether where any has failed, or they are not at the same evaluation
 */
export async function runEvaluation(
  target: LoadedTarget & { attacks: readonly Attack[] },
  provenance: Provenance,
  files: ResultFiles,
  { world, saveTo, restart, goesOn }: RunOptions,
  out: Output,
): Promise<EvaluationFile> {
  await assertSameEvaluation(world, provenance);
  const part = partOfRank(world, provenance);
  const file = journalOfRank(world, files.journal);
  const folder = saveTo && folderOfRank(world, saveTo);
  const journal = await onEveryRank(world, () =>
    journalAt(file, { ...part, savesAdversarial: saveTo !== undefined }, restart),
  );
  let images: AdversarialImages | undefined;
  try {
    const { inputShape } = target.classifier;
    images = await onEveryRank(world, async () =>
      folder ? adversarialImages(folder, inputShape, journal.saved.length) : undefined,
    );
    const saved = [...journal.saved];
    const kept = { journal, images, saved, file, goesOn, world };
    const evaluation = await judged(target, part, kept, out);
    await images?.finish(saved, metadataOf(part));
    const own = { ...evaluation, data: dataInWords(part), provenance: part };
    const whole = await joinedParts(world, own, (joined) => writeJson(files.result, joined));
    await journal.remove();
    await images?.removeKept();
    return whole;
  } catch (error) {
    // Of what failed before its first batch nothing is worth keeping.
    if (journal.entries() === 0) {
      await journal.remove();
      await images?.removeKept();
    }
    throw error;
  } finally {
    await images?.close();
    await journal.close();
  }
}

const journalAt = async (file: string, header: object, restart: RunOptions['restart']) =>
  openJournal(
    file,
    header,
    typeof restart === 'boolean' ? restart : !(await isJournalOf(file, header)),
  );

async function judged(
  { name, classifier, test, attacks }: LoadedTarget & { attacks: readonly Attack[] },
  { threat: description, seed, batchSize, activeSet, targetedSuccess, examples }: Provenance,
  { journal, images, saved, file, goesOn, world }: Kept,
  out: Output,
): Promise<Evaluation> {
  const [begin, end] = examples.ranges[0]!;
  const whole = begin === 0 && end === test.size;
  const data = whole ? test : subset(test, { from: begin, size: end - begin });
  const threat = threatModel(description);
  const bar = evaluationBar(name, out);
  const { stop, unlisten } = stopBetweenBatches(file, out, goesOn);
  let said = journal.restored.length === 0;
  try {
    const shown = (progress: EvaluationProgress) => {
      if (!said) out.say(goingOn(progress, file));
      said = true;
      bar.onProgress(progress);
    };
    return await followRanks(
      world,
      shown,
      () => stop.abort(),
      (onProgress) =>
        evaluate({
          classifier,
          data,
          attacks,
          threat,
          seed,
          batchSize,
          activeSet,
          targetedSuccess,
          signal: stop.signal,
          journal: recorder(journal, images, saved),
          onProgress,
        }),
    );
  } finally {
    bar.done();
    unlisten();
    threat.radius.dispose();
  }
}

interface Kept {
  journal: JournalFile;
  images: AdversarialImages | undefined;
  saved: SavedImage[];
  file: string;
  goesOn: string | undefined;
  world: World;
}

/** Images go first: those that aren't in the journal when the process ends are found again. */
const recorder = (
  journal: JournalFile,
  images: AdversarialImages | undefined,
  saved: SavedImage[],
): Journal => ({
  restored: journal.restored,
  begun: journal.begun,
  keepBegun: journal.keepBegun,
  record: async (entry, broken: readonly AdversarialImage[]) => {
    const found = (await images?.append(broken)) ?? [];
    saved.push(...found);
    await journal.append(entry, found);
  },
});

function goingOn(
  {
    settled,
    examples,
    done,
    total,
  }: { settled: number; examples: number; done: number; total: number },
  file: string,
): string {
  const count = (number: number) => number.toLocaleString('en');
  return `Going on with ${count(settled)} of ${count(examples)} examples settled, and ${count(done)} of ${count(total)} tries done (${file}).`;
}

const metadataOf = (provenance: Provenance): Record<string, string> => ({
  classifier: provenance.classifier,
  weights: JSON.stringify(provenance.weights),
  data: dataInWords(provenance),
  norm: provenance.threat.norm,
  epsilon: String(provenance.threat.epsilon),
  seed: String(provenance.seed),
  engine: provenance.engine,
  llr: provenance.llr,
});
