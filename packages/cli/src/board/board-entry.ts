import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { BoardEntry } from '@llr/analysis';
import type { Evaluation } from '@llr/attacks';
import { type RunRecord, runFiles } from '@llr/train';
import type { Provenance } from '../eval/provenance.ts';
import { measurementsIn } from '../measurements-in.ts';
import { trainingInShort, trainingInWords } from '../training-in-words.ts';

/**
 * What a board says of the network in a folder, from the files there.
 *
 * @param root - the board's folder
 * @throws naming the file that is missing or can't be read
 */
export async function boardEntry(directory: string, root: string): Promise<BoardEntry> {
  const run = await readJson<RunRecord>(directory, runFiles.run);
  const evaluation = await readJson<Evaluation & { provenance?: Provenance }>(
    directory,
    runFiles.evaluation,
  );
  if (run) assertHas(run, runFiles.run, ['train', 'regularizers', 'parameters']);
  if (!evaluation) throw new Error(`not evaluated: run llr eval ${directory}`);
  assertHas(evaluation, runFiles.evaluation, ['clean', 'robust', 'attacks', 'threat', 'warnings']);
  const { gamma, bounds, verdict } = await measurementsIn(
    directory,
    evaluation.provenance?.weights ?? {},
  );
  const { examples: _, ...numbers } = evaluation;
  const report = reportOf(directory, root);
  return {
    name: relative(root, directory).split(sep).join('/') || '.',
    evaluation: numbers,
    architecture: run?.model ?? evaluation.classifier,
    ...(run && {
      parameters: run.parameters,
      training: trainingInShort(run),
      seconds: run.seconds,
    }),
    ...(gamma && { meanSqrtGamma: gamma.sqrtGamma.mean }),
    ...(verdict && { verdict }),
    ...(bounds && { violations: imagesViolating(bounds) }),
    ...(report && { report }),
    details: { ...(run && runDetails(run)), ...evaluationDetails(evaluation) },
  };
}

/** Files of older versions, or somebody else's, may lack what a board needs. */
function assertHas<Kind extends object>(value: Kind, file: string, parts: (keyof Kind)[]): void {
  const missing = parts.find((part) => value[part] === undefined);
  if (missing === undefined) return;
  throw new Error(`${file} has no "${String(missing)}": was it written by another version of LLR?`);
}

const imagesViolating = ({ propositions }: { propositions: { violations: number[] }[] }): number =>
  new Set(propositions.flatMap(({ violations }) => violations)).size;

function runDetails({ train, ...run }: RunRecord): Record<string, string> {
  const { git } = run.source ?? {};
  return {
    regularisers: trainingInWords(run),
    'trained on': `${run.data}: ${train.examples.toLocaleString('en-GB')} images, ${train.epochs} epochs, batches of ${train.batchSize}${train.augment ? ', augmented' : ''}`,
    optimiser: `${train.optimizer}, learning rate ${train.learningRate === 'schedule' ? 'by a schedule' : train.learningRate}, weight decay ${train.weightDecay}`,
    'seed of the training': String(run.seed),
    engine: run.engine,
    versions: versionsIn(run),
    ...(git && { commit: `${git.commit.slice(0, 12)}${git.dirty ? ', with changes' : ''}` }),
  };
}

/** Runs of older versions don't know all of them. */
const versionsIn = ({ llr, tfjs, node, platform }: Partial<RunRecord>): string =>
  [llr && `LLR ${llr}`, tfjs && `TensorFlow.js ${tfjs}`, node && `Node ${node}`, platform]
    .filter(Boolean)
    .join(', ');

function evaluationDetails(evaluation: { provenance?: Provenance }): Record<string, string> {
  const { provenance } = evaluation;
  if (!provenance) return {};
  const weights = Object.entries(provenance.weights).map(
    ([file, digest]) => `${file}: ${digest.slice(0, 16)}…`,
  );
  return {
    'evaluated by': `LLR ${provenance.llr} on ${provenance.engine}`,
    'weights (SHA-256)': weights.join(', '),
  };
}

/** The nearest report above, from the board's own place: a page that is no longer there is no link. */
function reportOf(directory: string, root: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const file = join(at, 'report.html');
    if (existsSync(file)) return relative(root, file).split(sep).map(encodeURIComponent).join('/');
    if (relative(root, at) === '') return undefined;
  }
}

async function readJson<Kind>(directory: string, name: string): Promise<Kind | undefined> {
  const file = join(directory, name);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Kind;
  } catch (error) {
    throw new Error(`${name} can't be read: ${(error as Error).message}`, { cause: error });
  }
}
