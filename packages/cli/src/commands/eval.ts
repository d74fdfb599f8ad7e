import { join } from 'node:path';
import { sha256OfFile } from '@llr/datasets';
import type { World } from '@llr/train';
import type { Command } from 'commander';
import { Option } from 'commander';
import { defaultBatchSize } from '../eval/batch-size.ts';
import { type AttackChoice, assertChoice, chosenAttacks } from '../eval/choose-attacks.ts';
import { type Config, loadConfig } from '../eval/config-file.ts';
import { evaluationTable } from '../eval/evaluation-table.ts';
import { attackList, attackNames, suiteNames } from '../eval/named-attacks.ts';
import { type Provenance, provenanceOf } from '../eval/provenance.ts';
import { resultFiles } from '../eval/result-files.ts';
import { type EvaluationFile, runEvaluation } from '../eval/run-evaluation.ts';
import { rangeOfShard, type Shard, shardName, shardNumber } from '../eval/shard.ts';
import {
  assertSetting,
  type EvaluationSetting,
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
import { onEveryRank } from '../ranks/failure.ts';
import { inWorld } from '../ranks/in-world.ts';
import { resultsTable } from '../results-table.ts';
import { type EngineChoice, startEngine } from '../start-engine.ts';
import { warn } from '../warn.ts';
import { evalMerge } from './eval/merge.ts';

interface EvalOptions extends EngineChoice, AttackChoice, EvaluationSetting {
  config?: string;
  separately?: boolean;
  targetedSuccess?: boolean;
  examples?: number;
  shard?: Shard;
  batchSize?: number;
  saveAdversarial?: string;
  restart?: boolean;
  out?: string;
  json?: boolean;
}

/** `llr eval`: attack networks. */
export function evalCommand(program: Command): void {
  const command = program
    .command('eval')
    .description('attack networks and print their accuracies; goes on where it was stopped')
    .enablePositionalOptions()
    .argument(
      '[what...]',
      'runs of llr train or folders of them; model folders (config.json) of LLR, timm or transformers; a model.json of TensorFlow.js; weights (.safetensors) of what --config builds',
    )
    .option(
      '--config <file>',
      'the experiment that built the network, or a file that exports a classifier or a function that makes one',
    )
    .addOption(dataOption('the images, for a run other ones than its own'))
    .addOption(epsilonOption())
    .addOption(normOption())
    .addOption(
      new Option(
        '--suite <name>',
        "the paper's attacks, the field's standard, or fgsm, pgd and multi-targeted (quick, the default)",
      ).choices(suiteNames),
    )
    .option('--attacks <names>', `instead, comma-separated: ${attackNames.join(', ')}`, attackList)
    .option('--attack-file <file>', 'a module that exports attacks of your own')
    .option('--steps <number>', 'steps of an attack (default: its own, or 20)', wholeNumber)
    .option(
      '--restarts <number>',
      'random starts of an attack (default: its own, or 1)',
      wholeNumber,
    )
    .option('--separately', 'each attack attacks all images, also those already broken')
    .option('--targeted-success', 'also count how often a targeted attack gets its target')
    .option(
      '--examples <number>',
      'attack the first so many test images (default: all)',
      wholeNumber,
    )
    .option(
      '--shard <i/n>',
      'the i-th of n parts of the images; join them by llr eval merge',
      shardNumber,
    )
    .option('--batch-size <number>', 'images in one pass (default: by their size)', wholeNumber)
    .option('--seed <number>', "another seed than the run's, or 0", seedNumber)
    .option(
      '--save-adversarial <folder>',
      'keep the images that attacks found, as safetensors and PNG',
    )
    .option('--restart', 'begin anew where an evaluation was stopped')
    .option(
      '--out <file>',
      'where the per-example results go (default: evaluation.json in the folder evaluated)',
    )
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(evaluateAll);
  withExamples(command, [
    'llr eval runs/quick-start',
    'llr eval runs/quick-start/LLR --suite standard --examples 1000',
    'llr eval runs/quick-start/LLR --attacks apgd-ce,square --epsilon 8/255 --json',
    'llr eval resnet50.a1_in1k --data imagenet:/data/ILSVRC2012 --epsilon 4/255 --shard 1/8',
    'llr eval my-model/model.json --data cifar10 --epsilon 0.5 --norm l2 --save-adversarial found',
    'llr eval merge resnet50.a1_in1k/evaluation.shard-*.json',
  ]);
  evalMerge(command);
}

function evaluateAll(what: string[], options: EvalOptions): Promise<void> {
  return inWorld(async (world) => {
    const out = output(options.json === true || world.rank > 0);
    const { targets, engine, config } = await onEveryRank(world, () => prepare(what, options, out));
    if (world.size > 1) out.say(`${world.size} processes: ${world.description}`);
    const results = [];
    for (const target of targets) {
      const evaluation = await evaluateOne(target, config, engine, options, world, out);
      results.push({ name: target.path, evaluation });
    }
    if (world.rank > 0) return;
    process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : tables(results));
  });
}

async function prepare(what: string[], options: EvalOptions, out: Output) {
  const targets = targetsOf(what, options.config);
  assertChoice(options);
  for (const target of targets) assertSetting(target, options, options.config !== undefined);
  assertOne(targets, 'out', options);
  assertOne(targets, 'saveAdversarial', options);
  const engine = await startEngine(options, out);
  const config = options.config ? await loadConfig(options.config) : undefined;
  return { targets, engine, config };
}

function assertOne(
  { length }: readonly Target[],
  option: 'out' | 'saveAdversarial',
  options: EvalOptions,
): void {
  if (options[option] === undefined || length === 1) return;
  const [flag, names] =
    option === 'out' ? ['--out', 'one file'] : ['--save-adversarial', 'one folder'];
  throw new Error(`${flag} names ${names}, but there are ${length} networks.`);
}

async function evaluateOne(
  target: Target,
  config: Config | undefined,
  engine: string,
  options: EvalOptions,
  world: World,
  out: Output,
): Promise<EvaluationFile> {
  const { files, loaded, provenance } = await onEveryRank(world, () =>
    described(target, config, engine, options),
  );
  const { saveAdversarial: folder, shard, restart = false } = options;
  // Shards may be evaluated beside one another: each saves into a folder of its own.
  const saveTo = folder !== undefined && shard ? join(folder, shardName(shard)) : folder;
  const evaluation = await runEvaluation(
    loaded,
    provenance,
    files,
    { world, saveTo, restart },
    out,
  );
  warn(loaded.name, evaluation, out);
  if (!options.json) out.say(`Per-example results: ${files.result}`);
  return evaluation;
}

/** The network, the images and the attacks, and all that their evaluation depends on. */
async function described(
  target: Target,
  config: Config | undefined,
  engine: string,
  options: EvalOptions,
) {
  const files = resultFiles(target.folder, options.shard, options.out);
  const loaded = await loadTarget(target, options, config);
  const { classifier, test, threat } = loaded;
  const attacks = await chosenAttacks(options, classifier, threat.epsilon);
  const size = Math.min(options.examples ?? test.size, test.size);
  const provenance: Provenance = provenanceOf({
    ...loaded,
    engine,
    examples: { of: size, ranges: [rangeOfShard(options.shard, size)] },
    batchSize: options.batchSize ?? defaultBatchSize(classifier.inputShape),
    activeSet: options.separately ? 'within-attack' : 'across-attacks',
    targetedSuccess: options.targetedSuccess === true,
    attacks,
    attackFile: options.attackFile === undefined ? null : await sha256OfFile(options.attackFile),
  });
  return { files, loaded: { ...loaded, attacks }, provenance };
}

/** A table for each network, and for several of them one that compares. */
function tables(results: readonly { name: string; evaluation: EvaluationFile }[]): string {
  const each = results.map(({ name, evaluation }) =>
    evaluationTable(name, evaluation, evaluation.provenance.threat),
  );
  const comparison = results.length > 1 ? [resultsTable(results)] : [];
  return `\n${[...each, ...comparison].join('\n\n')}\n`;
}
