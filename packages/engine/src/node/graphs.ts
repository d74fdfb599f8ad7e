import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeGatherRecordable } from '../graph/gather.ts';
import { useGraphs } from '../graph/graphs.ts';
import type { LoadGraph } from '../graph/session.ts';

/**
 * Has compiled functions run as TensorFlow graphs. The addon loads a graph from a folder only, which is gone once
 * it has. The environment variable LLR_GRAPH=0 keeps everything eager.
 */
export function startGraphs(): void {
  makeGatherRecordable();
  useGraphs(process.env.LLR_GRAPH === '0' ? undefined : load);
}

const load: LoadGraph = (backend, model) => {
  const folder = mkdtempSync(join(tmpdir(), 'llr-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), model);
    return backend.binding.loadSavedModel(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
