import { readFile } from 'node:fs/promises';
import { mergeEvaluations } from '@llr/attacks';
import {
  dataInWords,
  fieldInWords,
  firstDifference,
  inWords,
  type Provenance,
} from './provenance.ts';
import { gaps, joined, overlap, rangeInWords } from './ranges.ts';
import type { EvaluationFile } from './run-evaluation.ts';

/** A part's result, and what it is called in messages: its file, or the rank that made it. */
export interface Part {
  name: string;
  evaluation: EvaluationFile;
}

/**
 * Joins the results of shards to that of the whole.
 *
 * @param partial - whether examples may be missing
 * @throws when a file holds no result of `llr eval`, or the parts are not of one evaluation (naming the field), overlap, or
 *   leave examples out
 */
export async function mergeFiles(
  files: readonly string[],
  partial: boolean,
): Promise<EvaluationFile> {
  const read: Part[] = [];
  for (const file of files) read.push({ name: file, evaluation: await readPart(file) });
  return mergeParts(read, partial);
}

/** The same with what is at hand. */
export function mergeParts(unsorted: readonly Part[], partial: boolean): EvaluationFile {
  const parts = unsorted.toSorted((a, b) => beginOf(a) - beginOf(b));
  assertTogether(parts);
  const { of } = parts[0]!.evaluation.provenance.examples;
  const ranges = parts.flatMap(({ evaluation }) => evaluation.provenance.examples.ranges);
  const missing = gaps(ranges, of);
  if (missing.length > 0 && !partial) {
    throw new Error(
      `Of ${of} examples, ${missing.map(rangeInWords).join(', ')} are in none of these files. Name the shards that have them, or accept a part, --partial.`,
    );
  }
  const { provenance } = parts[0]!.evaluation;
  const evaluations = parts.map(({ evaluation: { provenance: _, ...evaluation } }) => evaluation);
  const whole = { ...provenance, examples: { of, ranges: joined(ranges) } };
  return { ...mergeEvaluations(evaluations), data: dataInWords(whole), provenance: whole };
}

const beginOf = ({ evaluation }: Part) => evaluation.provenance.examples.ranges[0]![0];

async function readPart(file: string): Promise<EvaluationFile> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} can't be read: ${error.message}`, { cause: error });
  });
  let found: Partial<EvaluationFile> | null;
  try {
    found = JSON.parse(text) as Partial<EvaluationFile> | null;
  } catch (error) {
    throw new Error(`${file} is not whole: ${(error as Error).message}`, { cause: error });
  }
  const { examples, provenance } = found ?? {};
  if (!Array.isArray(examples) || provenance?.format !== 1) {
    throw new Error(
      `${file} holds no result of llr eval with what it was made of: evaluate with llr eval --shard.`,
    );
  }
  return found as EvaluationFile;
}

/** All that must be the same in every part. */
const common = ({ examples, ...rest }: Provenance) => ({ ...rest, examples: { of: examples.of } });

function assertTogether(parts: readonly Part[]): void {
  const [first, ...others] = parts;
  for (const other of others) {
    const difference = firstDifference(
      common(first!.evaluation.provenance),
      common(other.evaluation.provenance),
    );
    if (!difference) continue;
    throw new Error(
      `${first!.name} and ${other.name} are not parts of one evaluation: ${fieldInWords(difference.field)} is ${inWords(difference.first)} in the one and ${inWords(difference.second)} in the other.`,
    );
  }
  const twice = overlap(parts.flatMap(({ evaluation }) => evaluation.provenance.examples.ranges));
  if (!twice) return;
  const owners = parts.filter(({ evaluation }) =>
    evaluation.provenance.examples.ranges.some(
      ([begin, end]) => begin < twice[1] && twice[0] < end,
    ),
  );
  throw new Error(
    `Examples ${rangeInWords(twice)} are in more than one file: ${owners.map(({ name }) => name).join(', ')}.`,
  );
}
