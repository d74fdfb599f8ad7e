import { readFile } from 'node:fs/promises';
import { type GitCommit, gitCommit } from './git-commit.ts';

/** What it takes, beside the record's settings and versions, to start a run again. */
export interface RunSource {
  /** The options of the command line that started it. */
  options?: Readonly<Record<string, unknown>>;
  /** The config file as it was read, for a run that has one. */
  config?: { file: string; text: string };
  /** Of the folder that the config lies in, or else of the one that training was started in. */
  git: GitCommit | null;
}

/**
 * What a run is started from, as it is now: files may change while it trains.
 *
 * @param config - the config file
 * @param options - of the command line
 */
export async function runSource(
  config?: string,
  options?: Readonly<Record<string, unknown>>,
): Promise<RunSource> {
  return {
    ...(options && { options }),
    ...(config !== undefined && { config: { file: config, text: await readFile(config, 'utf8') } }),
    git: await gitCommit(config ?? '.'),
  };
}
