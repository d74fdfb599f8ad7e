import { join } from 'node:path';
import { fgsm, multiTargeted, pgd } from '@llr/attacks';
import { runFiles } from '@llr/train';
import { type Command, InvalidArgumentError } from 'commander';
import { evaluateNetwork } from '../evaluate-run.ts';
import { loadExperiment } from '../load-experiment.ts';
import { loadRun, runsIn } from '../load-run.ts';
import {
  engineOption,
  epsilonNumber,
  jsonOption,
  seedNumber,
  threadsOption,
  wholeNumber,
  withExamples,
} from '../options.ts';
import { output } from '../output.ts';
import { resultsTable } from '../results-table.ts';
import { type EngineChoice, startEngine } from '../start-engine.ts';

interface EvalOptions extends EngineChoice {
  config?: string;
  data?: string;
  epsilon?: number;
  attacks: AttackName[];
  steps: number;
  restarts: number;
  examples?: number;
  batchSize: number;
  seed?: number;
  out?: string;
  json?: boolean;
}

/** Each attack at a number of steps and restarts; step sizes in proportion to ε. */
const attacks = {
  fgsm: () => fgsm(),
  pgd: ({ steps, restarts }: EvalOptions, epsilon: number) =>
    pgd({ steps, restarts, stepSize: stepSizeFor(epsilon, steps) }),
  'multi-targeted': ({ steps, restarts }: EvalOptions, epsilon: number) =>
    multiTargeted({ steps, restarts, stepSize: stepSizeFor(epsilon, steps) }),
};
type AttackName = keyof typeof attacks;

/** Four times across the ball, however many steps that takes. */
const stepSizeFor = (epsilon: number, steps: number) => Math.max((4 * epsilon) / steps, 1e-4);

/** `llr eval`: attack a trained network. */
export function evalCommand(program: Command): void {
  const command = program
    .command('eval')
    .description('attack trained networks and print their accuracies')
    .argument('<run...>', 'folders that llr train left')
    .option('--config <file>', 'the config that built the network, where it is one of your own')
    .option(
      '--data <spec>',
      'other images than the run: fashion-mnist, cifar10[:PATH] or cifar100[:PATH]',
    )
    .option(
      '--epsilon <number>',
      "another ε than the run's, images being in [0, 1]: 0.1 or 8/255",
      epsilonNumber,
    )
    .option(
      '--attacks <names>',
      `comma-separated: ${Object.keys(attacks).join(', ')}`,
      attackNames,
      ['fgsm', 'pgd', 'multi-targeted'],
    )
    .option('--steps <number>', 'steps of PGD and Multi-Targeted', wholeNumber, 20)
    .option('--restarts <number>', 'random starts of PGD and Multi-Targeted', wholeNumber, 1)
    .option(
      '--examples <number>',
      'attack the first so many test images (default: all)',
      wholeNumber,
    )
    .option('--batch-size <number>', 'images in one pass', wholeNumber, 128)
    .option('--seed <number>', "another seed than the run's", seedNumber)
    .option(
      '--out <file>',
      'where the per-example results go (default: evaluation.json in the run)',
    )
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (folders: string[], options: EvalOptions) => {
      const out = output(options.json === true);
      const directories = folders.flatMap(runsIn);
      if (options.out && directories.length > 1) {
        throw new Error(`--out names one file, but there are ${directories.length} runs.`);
      }
      const experiment = options.config
        ? await loadExperiment(options.config, undefined)
        : undefined;
      await startEngine(options, out);
      const results = [];
      for (const directory of directories) {
        const { run, classifier, test } = await loadRun(directory, experiment, options.data);
        const epsilon = options.epsilon ?? run.threat.epsilon;
        const evaluation = await evaluateNetwork(
          {
            name: run.variant,
            classifier,
            test,
            attacks: options.attacks.map((name) => attacks[name](options, epsilon)),
            threat: { ...run.threat, epsilon },
            seed: options.seed ?? run.seed,
            examples: options.examples,
            batchSize: options.batchSize,
            file: options.out ?? join(directory, runFiles.evaluation),
          },
          out,
        );
        results.push({ name: directory, evaluation });
      }
      process.stdout.write(
        options.json ? `${JSON.stringify(results, null, 2)}\n` : `\n${resultsTable(results)}\n`,
      );
    });
  withExamples(command, [
    'llr eval runs/quick-start',
    'llr eval runs/quick-start/LLR --attacks pgd --steps 100 --restarts 5',
    'llr eval runs/quick-start/LLR --epsilon 8/255 --examples 1000 --json',
  ]);
}

function attackNames(text: string): AttackName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(attacks, name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `There is no attack "${unknown}". Attacks: ${Object.keys(attacks).join(', ')}.`,
    );
  }
  return names as AttackName[];
}
