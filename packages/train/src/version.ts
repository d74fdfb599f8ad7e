import { createRequire } from 'node:module';

/** The version of this package, and so of all of LLR: its packages are released together. */
export const version = (
  createRequire(import.meta.url)('@llr/train/package.json') as { version: string }
).version;
