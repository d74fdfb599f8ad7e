import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { writeBoardOf } from '../board/write-board.ts';
import { loadExperiment } from '../load-experiment.ts';
import { loadRun, runsIn } from '../load-run.ts';
import { shortNames } from '../measure/short-names.ts';
import { dataOption, engineOption, jsonOption, threadsOption, withExamples } from '../options.ts';
import { output } from '../output.ts';
import { type EngineChoice, startEngine } from '../start-engine.ts';
import { reportOn } from '../write-report.ts';

interface ReportOptions extends EngineChoice {
  config?: string;
  data?: string;
  out?: string;
  title?: string;
  board?: string;
  json?: boolean;
}

/** `llr report`: one HTML file about trained and evaluated networks. */
export function report(program: Command): void {
  const command = program
    .command('report')
    .description('measure trained networks and write one self-contained HTML file about them')
    .argument('[run...]', 'folders that llr train left: runs, or folders of runs')
    .option(
      '--board <folder>',
      'instead, rank all networks in a folder, at any depth, by their files alone: a table to sort',
    )
    .option('--config <file>', 'the config that built the networks, where they are your own')
    .addOption(dataOption('other images than those of the run'))
    .option(
      '--out <file>',
      'the HTML file (default: report.html in the first folder; board.html of a board)',
    )
    .option('--title <text>', 'what stands at the top')
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (folders: string[], options: ReportOptions) => {
      if (options.board !== undefined) return writeTheBoard(options.board, folders, options);
      if (folders.length === 0) {
        throw new Error(
          'Name the runs to report on, such as llr report runs/quick-start, or a folder of them to rank: llr report --board runs.',
        );
      }
      const out = output(options.json === true);
      // A run may be named by itself and by its folder.
      const paths = folders.flatMap(runsIn).map((folder) => [resolve(folder), folder] as const);
      const directories = [...new Map(paths.toReversed()).values()].toReversed();
      const experiment = options.config
        ? await loadExperiment({ config: options.config })
        : undefined;
      const engine = await startEngine(options, out);
      const runs = [];
      const names = shortNames(directories);
      for (const [i, directory] of directories.entries()) {
        runs.push({
          name: names[i]!,
          loaded: await loadRun(directory, experiment, options.data),
        });
      }
      const { run, test } = runs[0]!.loaded;
      const file = await reportOn(
        runs,
        {
          file: options.out ?? join(folders[0]!, 'report.html'),
          title: options.title ?? `${run.experiment} on ${test.name}`,
          engine,
        },
        out,
      );
      process.stdout.write(
        options.json ? `${JSON.stringify({ report: file })}\n` : `Report: ${file}\n`,
      );
    });
  withExamples(command, [
    'llr report runs/quick-start',
    'llr report runs/a/LLR runs/b/LLR --out comparison.html --title "Two seeds"',
    'llr report --board runs',
  ]);
}

/** Reads files only: no engine, no measurements. */
async function writeTheBoard(
  folder: string,
  runs: readonly string[],
  { out, title, json }: ReportOptions,
): Promise<void> {
  if (runs.length > 0) {
    throw new Error(`--board ranks the networks in ${folder}; ${runs.join(', ')} can't be added.`);
  }
  const { file, entries, leftOut } = await writeBoardOf(folder, { file: out, title });
  for (const { name, reason } of leftOut) {
    process.stderr.write(`Not in the tables: ${name}: ${reason}\n`);
  }
  process.stdout.write(
    json
      ? `${JSON.stringify({ board: file, networks: entries, leftOut }, null, 2)}\n`
      : `Board: ${file} (${entries.length} ${entries.length === 1 ? 'network' : 'networks'})\n`,
  );
}
