import {
  type ObfuscationVerdict,
  obfuscationVerdict,
  type VerdictBudget,
  type VerdictEntry,
  type VerdictProgress,
} from '@llr/analysis';
import type { Classifier } from '@llr/core';
import { subset } from '@llr/datasets';
import { threatModel, writeJson } from '@llr/train';
import { dataInWords, type Provenance } from '../eval/provenance.ts';
import type { ResultFiles } from '../eval/result-files.ts';
import { stopBetweenBatches } from '../eval/stop-between-batches.ts';
import type { LoadedTarget } from '../eval/what-to-evaluate.ts';
import { openLineJournal } from '../line-journal.ts';
import type { Output } from '../output.ts';

/** What is written: a verdict and what it was made of. */
export type VerdictFile = ObfuscationVerdict & { provenance: VerdictProvenance };

/** Its attacks follow from the budget. */
export type VerdictProvenance = Omit<Provenance, 'attacks'> & {
  budget: VerdictBudget;
  /** Of the network that attacks were transferred from. */
  surrogate: Readonly<Record<string, string>> | null;
};

/**
 * Finds a verdict and writes it. What has been found is in a journal beside it until then: the same call goes on where an
 * earlier one ended, in whatever way.
 *
 * @throws Interrupted after Ctrl-C, when the batch at hand is in the journal; as `openLineJournal` and `obfuscationVerdict` do
 */
export async function runVerdict(
  target: LoadedTarget,
  surrogate: Classifier | undefined,
  provenance: VerdictProvenance,
  { result, journal: file }: ResultFiles,
  { restart }: { restart: boolean },
  out: Output,
): Promise<VerdictFile> {
  const kind = { command: 'llr verdict', work: 'verdict' };
  const journal = await openLineJournal<VerdictEntry>(file, provenance, restart, kind);
  const { examples, budget, threat: description, seed, batchSize } = provenance;
  const threat = threatModel(description);
  const bars = barsOf(target.name, out);
  const { stop, unlisten } = stopBetweenBatches(file, out);
  try {
    if (journal.entries() > 0) out.say(`Going on from ${file}.`);
    const found = await obfuscationVerdict({
      ...budget,
      ...(surrogate && { surrogate }),
      classifier: target.classifier,
      data:
        examples.of < target.test.size ? subset(target.test, { size: examples.of }) : target.test,
      threat,
      seed,
      batchSize,
      signal: stop.signal,
      journal: { restored: journal.lines, record: journal.append },
      onProgress: bars.onProgress,
    });
    const whole = { ...found, data: dataInWords(provenance), provenance };
    await writeJson(result, whole);
    await journal.remove();
    return whole;
  } catch (error) {
    // Of what failed before its first batch nothing is worth keeping.
    if (journal.entries() === 0) await journal.remove();
    throw error;
  } finally {
    bars.done();
    unlisten();
    threat.radius.dispose();
    await journal.close();
  }
}

/** A bar for each part. */
function barsOf(name: string, out: Output) {
  let part: string | undefined;
  let bar: ReturnType<Output['bar']> | undefined;
  return {
    onProgress: (progress: VerdictProgress) => {
      if (progress.part !== part) {
        bar?.done();
        part = progress.part;
        bar = out.bar(`${name}: ${part}`, part === 'γ' ? 'images' : 'tries');
      }
      bar!.update(progress.done, progress.total, progress.attack);
    },
    done: () => bar?.done(),
  };
}
