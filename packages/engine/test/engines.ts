import { installedVersion } from '../src/node/candidates.ts';

/** The engines a gradient is tested on; tfjs-node where it is installed. */
export const engines = ['wasm', 'cpu', 'tfjs-node'] as const;

export const installed = (engine: (typeof engines)[number]): boolean =>
  engine !== 'tfjs-node' || installedVersion('@tensorflow/tfjs-node') !== undefined;
