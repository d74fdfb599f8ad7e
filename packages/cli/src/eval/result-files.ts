import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runFiles } from '@llr/train';
import { type Shard, shardName } from './shard.ts';

/** Where an evaluation's result goes, and while it runs, its journal. */
export interface ResultFiles {
  result: string;
  journal: string;
}

/**
 * @param folder - where they go unless `out` names the result
 * @throws when the folder of the result isn't there
 */
export function resultFiles(
  folder: string,
  shard: Shard | undefined,
  out: string | undefined,
): ResultFiles {
  const name = shard ? `evaluation.${shardName(shard)}.json` : runFiles.evaluation;
  const result = out ?? join(folder, name);
  if (!existsSync(dirname(result))) {
    throw new Error(
      `There is no folder ${dirname(result)} for the result: make it, or name another file, --out.`,
    );
  }
  return { result, journal: `${result.replace(/\.json$/, '')}.journal.jsonl` };
}
