import { join } from 'node:path';
import { epsilonText } from '@llr/analysis';
import {
  dataOf,
  type Experiment,
  planTraining,
  presets,
  printPreset,
  type RunSource,
  runSource,
  type Scale,
  scales,
  type TrainingPlan,
  tensorBoard,
  train as trainNetwork,
  type World,
  warningsAbout,
} from '@llr/train';
import { type Command, Option } from 'commander';
import type { EvaluationFile } from '../eval/run-evaluation.ts';
import { evaluateNetwork } from '../evaluate-run.ts';
import { configFileOf, loadExperiment } from '../load-experiment.ts';
import type { LoadedRun } from '../load-run.ts';
import { normSign } from '../norm-sign.ts';
import {
  dataOption,
  engineOption,
  epsilonNumber,
  jsonOption,
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
import { checkpointLines } from '../train/checkpoint-lines.ts';
import { planTable, stagesTable } from '../train/plan-table.ts';
import { stoppable } from '../train/stoppable.ts';
import { trainingBar } from '../train/training-bar.ts';
import { reportOn } from '../write-report.ts';

interface TrainOptions extends EngineChoice {
  preset?: string;
  scale?: Scale;
  set?: string[];
  listPresets?: boolean;
  print?: boolean;
  plan?: boolean;
  resume?: boolean;
  restart?: boolean;
  data?: string;
  epsilon?: number;
  epochs?: number;
  seed?: number;
  out?: string;
  json?: boolean;
}

/** `llr train`: train every network of an experiment, attack it, and write the report. */
export function train(program: Command): void {
  const command = program
    .command('train')
    .description('train the networks of an experiment, attack them, and write a report')
    .argument(
      '[config]',
      'a config file with an experiment (default: llr.config.ts, .yaml or .json)',
    )
    .option('--preset <name>', 'an experiment that comes with LLR, such as quick-start')
    .option('--list-presets', 'name the experiments that come with LLR')
    .addOption(
      new Option(
        '--scale <name>',
        'mini makes of a preset the same experiment on embedded images and a small network',
      ).choices([...scales]),
    )
    .option(
      '--print',
      'show the preset as a config, with the places in the paper, and train nothing',
    )
    .option(
      '--set <path=value>',
      'another value, such as train.batchSize=128; any number of times',
      (setting: string, before: string[] = []) => [...before, setting],
    )
    .addOption(dataOption('other images'))
    .option(
      '--epsilon <number>',
      'another perturbation size, images being in [0, 1]: 0.1 or 8/255',
      epsilonNumber,
    )
    .option('--epochs <number>', 'another number of epochs', wholeNumber)
    .option('--seed <number>', 'another seed', seedNumber)
    .option('--out <folder>', 'where the runs go (default: runs/<experiment>)')
    .option('--resume', 'go on with the runs there, each from its newest checkpoint')
    .addOption(
      new Option('--restart', 'begin anew, also where a run there is unfinished').conflicts(
        'resume',
      ),
    )
    .option(
      '--plan',
      'measure a few steps, say what time and memory all will take, and train nothing',
    )
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(run);
  withExamples(command, [
    'llr train --preset quick-start',
    'llr train --preset quick-start --data cifar10 --epsilon 8/255',
    'llr train llr.config.ts --seed 1 --out runs/second-try',
    'llr train llr.config.ts --resume',
    'llr train llr.config.ts --set train.batchSize=128 --plan',
    'llr train --preset cifar10-wrn-28-8-llr --print > my.yaml',
    'llr train --preset cifar10-wrn-28-8-llr --scale mini',
    'llr train --preset quick-start --json > result.json',
    'mpirun -n 4 llr train llr.config.ts',
  ]);
}

async function run(config: string | undefined, options: TrainOptions): Promise<void> {
  if (options.listPresets) return showPresets(options);
  if (options.print) return printChosen(config, options);
  return inWorld((world) => trainIn(world, config, options));
}

async function trainIn(
  world: World,
  config: string | undefined,
  options: TrainOptions,
): Promise<void> {
  const out = output(options.json === true || world.rank > 0);
  const { experiment, engine, source } = await onEveryRank(world, () =>
    prepare(config, options, out),
  );
  if (options.plan)
    return world.rank > 0 ? undefined : showPlans(await planAll(experiment, engine, out), options);
  if (world.size > 1) out.say(`${world.size} processes: ${world.description}`);
  const directory = options.out ?? join('runs', experiment.name);
  const how = { engine, source, world, ...resuming(options) };
  const trained = await trainAll(experiment, directory, how, out);
  if (world.rank > 0) return;
  const result = await reported(experiment, directory, engine, trained, out);
  if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else show(experiment, result);
}

async function prepare(config: string | undefined, options: TrainOptions, out: Output) {
  const experiment = await loadExperiment({ config, ...options });
  const engine = await startEngine(options, out);
  const source = await runSource(configFileOf({ config, ...options }), { ...options });
  return { experiment, engine, source };
}

/** Neither: begin, unless that would overwrite an unfinished run. */
function resuming({ resume, restart }: TrainOptions): { resume?: boolean } {
  if (resume) return { resume: true };
  return restart ? { resume: false } : {};
}

function showPresets({ json }: TrainOptions): void {
  const found = Object.entries(presets).map(([name, { description }]) => ({ name, description }));
  const width = Math.max(...found.map(({ name }) => name.length));
  const lines = found.map(({ name, description }) => `${name.padEnd(width)}  ${description}`);
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : `${lines.join('\n')}\n`);
}

function printChosen(
  config: string | undefined,
  { preset, scale, set, data, epsilon, epochs, seed }: TrainOptions,
): void {
  if (preset === undefined || config !== undefined) {
    throw new Error('--print shows a preset: llr train --preset NAME --print.');
  }
  const flags = { data, 'threat.epsilon': epsilon, 'train.epochs': epochs, seed };
  const changes = Object.entries(flags).flatMap(([path, value]) =>
    value === undefined ? [] : [`${path}=${value}`],
  );
  process.stdout.write(printPreset(preset, scale, [...changes, ...(set ?? [])]));
}

async function planAll(experiment: Experiment, engine: string, out: Output) {
  for (const warning of warningsAbout(experiment)) out.say(warning);
  const plans: TrainingPlan[] = [];
  for (const variant of Object.keys(experiment.variants)) {
    out.say(`Measuring ${variant} …`);
    plans.push(await planTraining(experiment, variant, { engine }));
  }
  return plans;
}

function showPlans(plans: readonly TrainingPlan[], { json }: TrainOptions): void {
  const notes = new Set(plans.flatMap((plan) => plan.notes));
  process.stdout.write(
    json
      ? `${JSON.stringify(plans, null, 2)}\n`
      : `\n${planTable(plans)}\n${stagesTable(plans)}\n${[...notes].join('\n')}\n`,
  );
}

interface Trained {
  variant: string;
  loaded: LoadedRun;
  evaluation: EvaluationFile;
}

async function trainAll(
  experiment: Experiment,
  directory: string,
  how: { engine: string; source: RunSource; world: World; resume?: boolean },
  out: Output,
): Promise<Trained[]> {
  const { world } = how;
  const test = await onEveryRank(world, () => dataOf(experiment).open('test'));
  const trained: Trained[] = [];
  for (const variant of Object.keys(experiment.variants)) {
    const folder = join(directory, variant);
    const { model, history, run } = await stoppable(
      out,
      (signal) =>
        trainNetwork(experiment, variant, {
          ...how,
          directory: folder,
          signal,
          callbacks: [
            trainingBar(variant, out),
            tensorBoard(),
            ...(world.size > 1 ? [checkpointLines(out)] : []),
          ],
        }),
      world,
    );
    const loaded = { directory: folder, run, metrics: history, classifier: model, test };
    const { attacks = [], ...rest } = experiment.evaluation ?? {};
    const evaluation = await evaluateNetwork(
      {
        name: variant,
        classifier: model,
        directory: folder,
        test,
        attacks,
        threat: experiment.threat,
        seed: experiment.seed ?? 0,
        engine: how.engine,
        ...rest,
      },
      out,
      { world },
    );
    trained.push({ variant, loaded, evaluation });
  }
  return trained;
}

/** What all came to, with a report on it. */
async function reported(
  experiment: Experiment,
  directory: string,
  engine: string,
  trained: readonly Trained[],
  out: Output,
) {
  const runs = trained.map(({ variant, loaded }) => ({ name: variant, loaded }));
  const title = `${experiment.name} on ${runs[0]!.loaded.test.name}`;
  const file = join(directory, 'report.html');
  const report = await reportOn(runs, { file, title, engine }, out);
  const results = trained.map(({ variant, loaded, evaluation }) => ({
    variant,
    directory: loaded.directory,
    run: loaded.run,
    evaluation,
  }));
  return { experiment: experiment.name, results, report };
}

type Result = Awaited<ReturnType<typeof reported>>;

function show(experiment: Experiment, { results, report }: Result): void {
  const named = results.map(({ variant, evaluation }) => ({ name: variant, evaluation }));
  const { total } = results[0]!.evaluation.clean;
  process.stdout.write(`\n${resultsTable(named)}\n`);
  process.stdout.write(
    `ε = ${epsilonText(experiment.threat.epsilon)} (${normSign[experiment.threat.norm]}), ${total} test images, ± is half a 95 % interval. "worst case" counts an image as right only if no attack breaks it.\n`,
  );
  process.stdout.write(`Report: ${report}\n`);
}
