import { join } from 'node:path';
import { epsilonText } from '@llr/analysis';
import {
  dataOf,
  type Experiment,
  type RunSource,
  runFiles,
  runSource,
  tensorBoard,
  train as trainNetwork,
} from '@llr/train';
import type { Command } from 'commander';
import { evaluateNetwork } from '../evaluate-run.ts';
import { loadExperiment } from '../load-experiment.ts';
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
import { resultsTable } from '../results-table.ts';
import { type EngineChoice, startEngine } from '../start-engine.ts';
import { trainingBar } from '../train/training-bar.ts';
import { reportOn } from '../write-report.ts';

interface TrainOptions extends EngineChoice {
  preset?: string;
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
    .argument('[config]', 'a config file with an experiment (default: llr.config.ts)')
    .option('--preset <name>', 'an experiment that comes with LLR, such as quick-start')
    .addOption(dataOption('other images'))
    .option(
      '--epsilon <number>',
      'another perturbation size, images being in [0, 1]: 0.1 or 8/255',
      epsilonNumber,
    )
    .option('--epochs <number>', 'another number of epochs', wholeNumber)
    .option('--seed <number>', 'another seed', seedNumber)
    .option('--out <folder>', 'where the runs go (default: runs/<experiment>)')
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (config: string | undefined, options: TrainOptions) => {
      const out = output(options.json === true);
      const experiment = await loadExperiment({ config, ...options });
      const directory = options.out ?? join('runs', experiment.name);
      const engine = await startEngine(options, out);
      const file = options.preset ? undefined : (config ?? 'llr.config.ts');
      const source = await runSource(file, { ...options });
      const result = await trainAll(experiment, { directory, engine, source }, out);
      if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
      else show(experiment, result);
    });
  withExamples(command, [
    'llr train --preset quick-start',
    'llr train --preset quick-start --data cifar10 --epsilon 8/255',
    'llr train llr.config.ts --seed 1 --out runs/second-try',
    'llr train --preset quick-start --json > result.json',
  ]);
}

type Result = Awaited<ReturnType<typeof trainAll>>;

async function trainAll(
  experiment: Experiment,
  { directory, engine, source }: { directory: string; engine: string; source: RunSource },
  out: Output,
) {
  const test = await dataOf(experiment).open('test');
  const runs: { name: string; loaded: LoadedRun }[] = [];
  const results = [];
  for (const variant of Object.keys(experiment.variants)) {
    const folder = join(directory, variant);
    const { model, history, run } = await trainNetwork(experiment, variant, {
      directory: folder,
      engine,
      source,
      callbacks: [trainingBar(variant, out), tensorBoard()],
    });
    runs.push({
      name: variant,
      loaded: { directory: folder, run, metrics: history, classifier: model, test },
    });
    const { attacks = [], ...rest } = experiment.evaluation ?? {};
    const evaluation = await evaluateNetwork(
      {
        name: variant,
        classifier: model,
        test,
        attacks,
        threat: experiment.threat,
        seed: experiment.seed ?? 0,
        file: join(folder, runFiles.evaluation),
        ...rest,
      },
      out,
    );
    results.push({ variant, directory: folder, run, evaluation });
  }
  const title = `${experiment.name} on ${test.name}`;
  const report = await reportOn(runs, { file: join(directory, 'report.html'), title, engine }, out);
  return { experiment: experiment.name, results, report };
}

function show(experiment: Experiment, { results, report }: Result): void {
  const named = results.map(({ variant, evaluation }) => ({ name: variant, evaluation }));
  const { total } = results[0]!.evaluation.clean;
  process.stdout.write(`\n${resultsTable(named)}\n`);
  process.stdout.write(
    `ε = ${epsilonText(experiment.threat.epsilon)} (${normSign[experiment.threat.norm]}), ${total} test images, ± is half a 95 % interval. "worst case" counts an image as right only if no attack breaks it.\n`,
  );
  process.stdout.write(`Report: ${report}\n`);
}
