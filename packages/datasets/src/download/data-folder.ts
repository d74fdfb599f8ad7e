import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where a data set lies that was downloaded without saying where to: in `data` of LLR's cache, which is
 * LLR_CACHE, else `llr` in XDG_CACHE_HOME, else in `~/.cache`.
 */
export function dataFolder(name: string): string {
  const { LLR_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = LLR_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'llr');
  return join(cache, 'data', name);
}
