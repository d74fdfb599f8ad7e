import { homedir } from 'node:os';
import { join } from 'node:path';

/** The per-user folder of builds: LLR_CACHE, else `llr` in XDG_CACHE_HOME, else in `~/.cache`. */
export function cacheFolder(): string {
  const { LLR_CACHE, XDG_CACHE_HOME } = process.env;
  return LLR_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'llr');
}
