import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '@llr/models';
import { runFiles, runSource, type Scale, scales } from '@llr/train';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import {
  dataOption,
  engineOption,
  jsonOption,
  seedNumber,
  threadsOption,
  wholeNumber,
  withExamples,
} from '../options.ts';
import { output } from '../output.ts';
import { artefacts } from '../reproduce/artefacts.ts';
import { openLaboratory } from '../reproduce/laboratory.ts';
import { markdownOf } from '../reproduce/markdown.ts';
import { networksOf } from '../reproduce/networks.ts';
import { planAll, plansTable } from '../reproduce/plan.ts';
import { madeBy, reproduce as make, type Reproduction } from '../reproduce/reproduction.ts';
import { scaleFor } from '../reproduce/scale.ts';
import { type EngineChoice, startEngine } from '../start-engine.ts';

interface ReproduceOptions extends EngineChoice {
  scale?: Scale;
  plan?: boolean;
  use?: Map<string, string>;
  set?: string[];
  data?: string;
  examples?: number;
  seed: number;
  out?: string;
  json?: boolean;
}

const everything = 'all';

/** `llr reproduce`: the paper's tables and figures, made again. */
export function reproduce(program: Command): void {
  const command = program
    .command('reproduce')
    .description(
      "train and attack what the paper's tables and figures need, and print its numbers beside ours; goes on where it was stopped",
    )
    .addArgument(
      new Argument('<what...>', 'tables and figures of the supplement').choices([
        ...artefacts.map(({ name }) => name),
        everything,
      ]),
    )
    .addOption(
      new Option(
        '--scale <name>',
        'paper: as published; mini: the same experiment on embedded images and a small network (default: paper where its data are there, else mini)',
      ).choices([...scales]),
    )
    .option(
      '--plan',
      'say what time and memory all will take, by a few measured steps, and no more',
    )
    .option(
      '--use <network=run>',
      'a run of llr train for a network that --plan lists; any number of times',
      usedRun,
    )
    .option(
      '--set <path=value>',
      'another value for every network, such as train.microBatchSize=32; any number of times',
      (setting: string, before: string[] = []) => [...before, setting],
    )
    .addOption(dataOption('other images'))
    .option(
      '--examples <number>',
      "attack the first so many test images (default: the preset's)",
      wholeNumber,
    )
    .option('--seed <number>', 'of training and attacks', seedNumber, 0)
    .option('--out <folder>', 'where results and networks go (default: runs/reproduce-<scale>)')
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(run);
  withExamples(command, [
    'llr reproduce table-f4 --scale mini',
    'llr reproduce all --scale mini --plan',
    'llr reproduce table-f4 --scale paper --data cifar10:/data/cifar-10 --plan',
    'llr reproduce figure-f3 --use cifar10-wrn-28-8-few-steps-LLR-2=runs/mine',
  ]);
}

async function run(what: string[], options: ReproduceOptions): Promise<void> {
  const out = output(options.json === true);
  const chosen = artefacts.filter(({ name }) => what.includes(name) || what.includes(everything));
  const scale = options.scale ?? (await scaleFor(chosen, options.data, out));
  const { seed, data, set = [], examples } = options;
  const directory = options.out ?? join('runs', `reproduce-${scale}`);
  const needs = artefacts.flatMap((artefact) => artefact.needs(scale));
  const networkOf = networksOf(needs, { scale, seed, data, set });
  const given = options.use ?? new Map<string, string>();
  assertKnown(given, new Set(needs.map((need) => networkOf(need).id)));
  const engine = await startEngine(options, out);
  const source = await runSource(undefined, { ...options });
  const lab = { scale, directory, engine, source, out, networkOf, needs, examples, given };
  const plans = await planAll(chosen, lab);
  if (options.plan) {
    process.stdout.write(options.json ? jsonOf(plans) : `\n${plansTable(plans)}\n`);
    return;
  }
  out.say(`\n${plansTable(plans)}\n`);
  await mkdir(directory, { recursive: true });
  const laboratory = openLaboratory(lab);
  const made = madeBy(commandOf(what, options), { engine, seed, source });
  const found: Reproduction[] = [];
  for (const artefact of chosen) {
    const reproduction = await make(artefact, laboratory, made);
    found.push(reproduction);
    if (!options.json) process.stdout.write(`\n${markdownOf(reproduction)}`);
  }
  if (what.includes(everything)) await writeAll(join(directory, 'reproduction.md'), found);
  if (options.json) process.stdout.write(jsonOf(found));
  out.say(`\nResults: ${directory}`);
}

/** @throws naming a network of `--use` that no table or figure has, or a folder without a run */
function assertKnown(given: ReadonlyMap<string, string>, ids: ReadonlySet<string>): void {
  for (const [id, folder] of given) {
    if (!ids.has(id)) {
      throw new Error(`--use ${id}=…: there is no such network. There are ${[...ids].join(', ')}.`);
    }
    if (!existsSync(join(folder, runFiles.run))) {
      throw new Error(`--use ${id}=${folder}: that folder holds no finished run of llr train.`);
    }
  }
}

const writeAll = (file: string, found: readonly Reproduction[]) =>
  writeWhole(file, [Buffer.from(found.map(markdownOf).join('\n'))]);

const jsonOf = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** `ADV-2=runs/mine/ADV-2`. */
function usedRun(text: string, before: Map<string, string> = new Map()): Map<string, string> {
  const [, network, folder] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!network || !folder) {
    throw new InvalidArgumentError(
      'It must be a network and the folder of a run: LLR-2=runs/mine.',
    );
  }
  return new Map([...before, [network, folder]]);
}

/** The command as it can be given again. */
function commandOf(what: readonly string[], options: ReproduceOptions): string {
  const { plan: _, json: __, use, set = [], ...rest } = options;
  const flags = Object.entries(rest).map(([name, value]) => `--${name} ${value}`);
  const used = [...(use ?? [])].map(([network, folder]) => `--use ${network}=${folder}`);
  const settings = set.map((setting) => `--set ${setting}`);
  return ['llr reproduce', ...what, ...flags, ...settings, ...used].join(' ');
}
