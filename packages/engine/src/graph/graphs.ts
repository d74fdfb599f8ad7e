import { getBackend } from '@tensorflow/tfjs-core';
import type { LoadGraph } from './session.ts';

/** What an engine with graphs offers. */
export interface GraphSupport {
  load: LoadGraph;
  /** Whether the processor computes in bfloat16 rather than imitating it, several times slower than float32. */
  bfloat16: boolean;
}

let support: GraphSupport | undefined;

/** Has compiled functions run as TensorFlow graphs while tfjs-node's backend is in force; undefined: eagerly again. */
export function useGraphs(offered: GraphSupport | undefined): void {
  support = offered;
}

/** What graphs the engine in force has. */
export const graphSupport = (): GraphSupport | undefined =>
  getBackend() === 'tensorflow' ? support : undefined;
