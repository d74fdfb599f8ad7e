import { join } from 'node:path';
import { defaultCacheFolder } from '../records/cache-folder.ts';

/**
 * Where a data set lies that was downloaded without saying where to: in `data` of LLR's cache, which is
 * LLR_CACHE, else `llr` in XDG_CACHE_HOME, else in `~/.cache`.
 */
export const dataFolder = (name: string): string => join(defaultCacheFolder(), name);
