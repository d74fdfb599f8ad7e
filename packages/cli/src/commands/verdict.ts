import { join } from 'node:path';
import type { VerdictBudget } from '@llr/analysis';
import { type Command, InvalidArgumentError } from 'commander';
import { defaultBatchSize } from '../eval/batch-size.ts';
import { type Config, loadConfig } from '../eval/config-file.ts';
import { provenanceOf } from '../eval/provenance.ts';
import type { ResultFiles } from '../eval/result-files.ts';
import {
  assertSetting,
  type EvaluationSetting,
  type LoadedTarget,
  loadTarget,
  type Target,
  targetsOf,
} from '../eval/what-to-evaluate.ts';
import {
  dataOption,
  engineOption,
  epsilonOption,
  jsonOption,
  normOption,
  seedNumber,
  threadsOption,
  wholeNumber,
  withExamples,
} from '../options.ts';
import { type Output, output } from '../output.ts';
import { type EngineChoice, startEngine } from '../start-engine.ts';
import { runVerdict, type VerdictFile } from '../verdict/run-verdict.ts';
import { verdictPage } from '../verdict/verdict-page.ts';

interface VerdictOptions extends EngineChoice, EvaluationSetting {
  config?: string;
  examples: number;
  steps?: number[];
  restarts?: number;
  queries?: number;
  transferFrom?: string;
  batchSize?: number;
  restart?: boolean;
  json?: boolean;
}

/** `llr verdict`: is a network's robustness real, or are its gradients masked? */
export function verdict(program: Command): void {
  const command = program
    .command('verdict')
    .description(
      'say whether the robustness of networks is real or their gradients are masked, and why; goes on where it was stopped',
    )
    .argument(
      '[what...]',
      'as of llr eval: runs of llr train, model folders, a model.json, weights',
    )
    .option('--config <file>', 'as of llr eval')
    .addOption(dataOption('the images, for a run other ones than its own'))
    .addOption(epsilonOption())
    .addOption(normOption())
    .option('--examples <number>', 'attack the first so many test images', wholeNumber, 256)
    .option('--steps <numbers>', 'of the curve (default: 1,2,5,10,20,50,100,200)', rising)
    .option('--restarts <number>', 'random starts of the curve (default: 10)', wholeNumber)
    .option('--queries <number>', 'of the black-box attack (default: 1000)', wholeNumber)
    .option(
      '--transfer-from <what>',
      'also try what breaks this network, another run or model folder',
    )
    .option('--batch-size <number>', 'images in one pass (default: by their size)', wholeNumber)
    .option('--seed <number>', "another seed than the run's, or 0", seedNumber)
    .option('--restart', 'begin anew where a verdict was stopped')
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(findVerdicts);
  withExamples(command, [
    'llr verdict runs/quick-start/LLR',
    'llr verdict runs/quick-start --examples 1000 --json',
    'llr verdict runs/mine --transfer-from runs/theirs',
    'llr verdict my-model/model.json --data cifar10 --epsilon 8/255',
  ]);
}

/** `1,2,5`. */
function rising(text: string): number[] {
  const steps = text.split(',').map(wholeNumber);
  if (steps.length < 2 || steps.some((count, i) => i > 0 && count <= steps[i - 1]!)) {
    throw new InvalidArgumentError('It must be two whole numbers at least, rising: 1,10,100.');
  }
  return steps;
}

async function findVerdicts(what: string[], options: VerdictOptions): Promise<void> {
  const out = output(options.json === true);
  const targets = targetsOf(what, options.config);
  const from =
    options.transferFrom === undefined ? [] : targetsOf([options.transferFrom], undefined);
  if (from.length > 1) {
    throw new Error(
      `--transfer-from names one network, but ${options.transferFrom} holds ${from.length}.`,
    );
  }
  for (const target of targets) assertSetting(target, options, options.config !== undefined);
  const engine = await startEngine(options, out);
  const config = options.config ? await loadConfig(options.config) : undefined;
  const results = [];
  for (const target of targets) {
    const found = await findVerdict(target, from[0], config, engine, options, out);
    results.push({ name: target.path, verdict: found });
  }
  process.stdout.write(
    options.json
      ? `${JSON.stringify(results, null, 2)}\n`
      : `\n${results.map(({ name, verdict: found }) => verdictPage(name, found, found.provenance.threat)).join('\n\n')}\n`,
  );
}

async function findVerdict(
  target: Target,
  from: Target | undefined,
  config: Config | undefined,
  engine: string,
  options: VerdictOptions,
  out: Output,
): Promise<VerdictFile> {
  const loaded = await loadTarget(target, options, config);
  const surrogate = from && (await loadSurrogate(from, loaded, options, config));
  const { attacks: _, ...provenance } = provenanceOf({
    ...loaded,
    engine,
    examples: examplesOf(loaded, options),
    batchSize: options.batchSize ?? defaultBatchSize(loaded.classifier.inputShape),
    activeSet: 'within-attack',
    targetedSuccess: false,
    attacks: [],
    attackFile: null,
  });
  const files = filesIn(target.folder);
  const found = await runVerdict(
    loaded,
    surrogate?.classifier,
    { ...provenance, budget: budgetOf(options), surrogate: surrogate?.weights ?? null },
    files,
    { restart: options.restart === true },
    out,
  );
  if (!options.json) out.say(`Verdict: ${files.result}`);
  return found;
}

/** On the images and within the ε of the network that is attacked. */
async function loadSurrogate(
  from: Target,
  { classifier, threat }: LoadedTarget,
  { data }: VerdictOptions,
  config: Config | undefined,
): Promise<LoadedTarget> {
  const surrogate = await loadTarget(from, { data, ...threat }, config);
  const [own, others] = [classifier, surrogate.classifier].map(
    ({ inputShape, numClasses }) => `${inputShape.join(' x ')} images of ${numClasses} classes`,
  );
  if (own !== others) {
    throw new Error(
      `--transfer-from ${from.path} takes ${others}, but ${classifier.name} takes ${own}.`,
    );
  }
  return surrogate;
}

function examplesOf({ test }: LoadedTarget, { examples }: VerdictOptions) {
  const size = Math.min(examples, test.size);
  return { of: size, ranges: [[0, size] as [number, number]] };
}

const budgetOf = ({ steps, restarts, queries }: VerdictOptions): VerdictBudget => ({
  ...(steps && { steps }),
  ...(restarts !== undefined && { restarts }),
  ...(queries !== undefined && { queries }),
});

const filesIn = (folder: string): ResultFiles => ({
  result: join(folder, 'verdict.json'),
  journal: join(folder, 'verdict.journal.jsonl'),
});
