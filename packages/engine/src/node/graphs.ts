import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeGatherRecordable } from '../graph/gather.ts';
import { useGraphs } from '../graph/graphs.ts';
import type { LoadGraph } from '../graph/session.ts';

/**
 * Has compiled functions run as TensorFlow graphs. The environment variable LLR_GRAPH=0 keeps everything eager.
 *
 * @param gpu - whether TensorFlow computes on one
 */
export function startGraphs(gpu: boolean): void {
  makeGatherRecordable();
  useGraphs(process.env.LLR_GRAPH === '0' ? undefined : { load, bfloat16: hasBfloat16(gpu) });
}

/** The addon loads a graph from a folder only, which is gone once it has. */
const load: LoadGraph = (backend, model) => {
  const folder = mkdtempSync(join(tmpdir(), 'llr-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), model);
    return backend.binding.loadSavedModel(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** LLR_BFLOAT16=1 and 0 decide; by default, what the processor says of itself where that can be read. */
export function hasBfloat16(gpu: boolean, cpuInfo: () => string = readCpuInfo): boolean {
  const chosen = process.env.LLR_BFLOAT16;
  if (chosen) return chosen === '1';
  return gpu || /\b(avx512_bf16|amx_bf16)\b/.test(cpuInfo());
}

function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
