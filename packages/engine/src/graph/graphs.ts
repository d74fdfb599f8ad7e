import { getBackend } from '@tensorflow/tfjs-core';
import type { LoadGraph } from './session.ts';

let loader: LoadGraph | undefined;

/** Has compiled functions run as TensorFlow graphs while tfjs-node's backend is in force; undefined: eagerly again. */
export function useGraphs(load: LoadGraph | undefined): void {
  loader = load;
}

/** How to load a graph, where the engine in force has them. */
export const graphLoader = (): LoadGraph | undefined =>
  getBackend() === 'tensorflow' ? loader : undefined;
