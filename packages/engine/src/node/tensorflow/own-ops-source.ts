import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const packageFolder = dirname(createRequire(import.meta.url).resolve('@llr/engine/package.json'));

/** The C++ of our own ops, which become part of the addon. */
export const ownOpsSource = join(packageFolder, 'native/fused_ops.cc');

/** Tells builds of different sources apart. */
export const ownOpsVersion = (): string =>
  createHash('sha256').update(readFileSync(ownOpsSource)).digest('hex').slice(0, 8);
