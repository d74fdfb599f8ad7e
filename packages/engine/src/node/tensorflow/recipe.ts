import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { ownOpsVersion } from './own-ops-source.ts';

/** What the native engine is made of. The revision goes up whenever a build made before would not do any more. */
export const recipe = {
  tensorflow: '2.21.0',
  tfjsNode: '4.22.0',
  nodeApiHeaders: '1.9.0',
  revision: 1,
} as const;

/** For the processor, or with CUDA. */
export type Kind = 'cpu' | 'gpu';

/** The Python distribution that holds TensorFlow's libraries. */
export const distribution = (kind: Kind) => (kind === 'gpu' ? 'tensorflow' : 'tensorflow-cpu');

/** Disk that an install takes at its height: wheels, what is unpacked from them, and the addon. */
export const bytesNeeded = (kind: Kind) => (kind === 'gpu' ? 9e9 : 1.15e9);

/** Where a finished build is: another one for each source of our own ops. */
export function buildFolder(kind: Kind): string {
  const { tensorflow, tfjsNode, revision } = recipe;
  return join(
    cacheFolder(),
    `tensorflow-${tensorflow}-${kind}-tfjs-${tfjsNode}-${process.platform}-${process.arch}-r${revision}${kind === 'cpu' ? `-${ownOpsVersion()}` : ''}`,
  );
}

/** Where wheels and tarballs wait until the build that needs them is finished. */
export const downloadFolder = () => join(cacheFolder(), `downloads-${recipe.tensorflow}`);
