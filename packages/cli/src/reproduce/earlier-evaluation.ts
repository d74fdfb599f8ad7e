import { open, readFile } from 'node:fs/promises';
import { firstDifference, type Provenance } from '../eval/provenance.ts';
import type { EvaluationFile } from '../eval/run-evaluation.ts';

/** The result in a file, where it is that of the same evaluation. */
export async function earlierResult(
  file: string,
  provenance: Provenance,
): Promise<EvaluationFile | undefined> {
  const text = await readFile(file, 'utf8').catch(missing);
  if (text === undefined) return undefined;
  const found = parsed(text) as Partial<EvaluationFile> | undefined;
  return found && isSame(found.provenance, provenance) ? (found as EvaluationFile) : undefined;
}

/** Whether a journal can be gone on with; there being none, there is nothing against it. */
export async function journalIsOf(file: string, provenance: Provenance): Promise<boolean> {
  const handle = await open(file).catch(missing);
  if (!handle) return true;
  try {
    for await (const line of handle.readLines()) {
      const { savesAdversarial: _, ...header } = (parsed(line) ?? {}) as Partial<Provenance> & {
        savesAdversarial?: boolean;
      };
      return isSame(header, provenance);
    }
    return true;
  } finally {
    await handle.close();
  }
}

const isSame = (found: unknown, provenance: Provenance): boolean =>
  firstDifference(found, JSON.parse(JSON.stringify(provenance))) === undefined;

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
