import { join } from 'node:path';
import type { World } from '@llr/train';
import { failTogether } from '../ranks/failure.ts';
import { mergeParts } from './merge-files.ts';
import { fieldInWords, firstDifference, inWords, type Provenance } from './provenance.ts';
import type { EvaluationFile } from './run-evaluation.ts';
import { partOfRange, type Shard, shardName } from './shard.ts';

const shardOf = ({ rank, size }: World): Shard => ({ part: rank + 1, of: size });

/** What a rank evaluates: the part of the examples that `--shard` would give it. */
export function partOfRank(world: World, provenance: Provenance): Provenance {
  const { of, ranges } = provenance.examples;
  return { ...provenance, examples: { of, ranges: [partOfRange(ranges[0]!, shardOf(world))] } };
}

/** Where a rank's journal is: where that of `--shard` would be. */
export const journalOfRank = (world: World, journal: string): string =>
  world.size === 1
    ? journal
    : journal.replace(/\.journal\.jsonl$/, `.${shardName(shardOf(world))}$&`);

/** Where a rank saves images. */
export const folderOfRank = (world: World, folder: string): string =>
  world.size === 1 ? folder : join(folder, shardName(shardOf(world)));

/** @throws FailedTogether when the ranks are not at the same evaluation, naming what differs, or are too many */
export async function assertSameEvaluation(world: World, provenance: Provenance): Promise<void> {
  if (world.size === 1) return;
  const of0 = await world.broadcast(provenance);
  const difference = firstDifference(of0, JSON.parse(JSON.stringify(provenance)));
  const [begin, end] = provenance.examples.ranges[0]!;
  const tooMany = world.size > end - begin;
  const message = difference
    ? `${fieldInWords(difference.field)} is ${inWords(difference.second)} here and ${inWords(difference.first)} on ${world.names[0]}: all must evaluate the same.`
    : `There are ${world.size} processes, and only ${end - begin} examples: start fewer.`;
  await failTogether(world, difference || tooMany ? { message } : undefined);
}

/** The parts of all ranks put together: on every rank, once rank 0 has kept it. */
export async function joinedParts(
  world: World,
  part: EvaluationFile,
  keep: (whole: EvaluationFile) => Promise<void>,
): Promise<EvaluationFile> {
  const parts = await world.gather(part);
  const named = parts?.map((evaluation, rank) => ({ name: world.names[rank]!, evaluation }));
  const whole = named && (named.length === 1 ? part : mergeParts(named, true));
  if (whole) await keep(whole);
  return world.broadcast(whole);
}
