import { homedir } from 'node:os';
import { join } from 'node:path';

/** The per-user folder of indexes and shards: `data` in LLR_CACHE, else in `llr` of XDG_CACHE_HOME or `~/.cache`. */
export function defaultCacheFolder(): string {
  const { LLR_CACHE, XDG_CACHE_HOME } = process.env;
  return join(LLR_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'llr'), 'data');
}
