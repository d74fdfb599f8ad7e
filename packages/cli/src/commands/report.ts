import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { loadExperiment } from '../load-experiment.ts';
import { loadRun, runsIn } from '../load-run.ts';
import { dataOption, engineOption, jsonOption, threadsOption, withExamples } from '../options.ts';
import { output } from '../output.ts';
import { type EngineChoice, startEngine } from '../start-engine.ts';
import { reportOn } from '../write-report.ts';

interface ReportOptions extends EngineChoice {
  config?: string;
  data?: string;
  out?: string;
  title?: string;
  json?: boolean;
}

/** `llr report`: one HTML file about trained and evaluated networks. */
export function report(program: Command): void {
  const command = program
    .command('report')
    .description('measure trained networks and write one self-contained HTML file about them')
    .argument('<run...>', 'folders that llr train left: runs, or folders of runs')
    .option('--config <file>', 'the config that built the networks, where they are your own')
    .addOption(dataOption('other images than those of the run'))
    .option('--out <file>', 'the HTML file (default: report.html in the first folder)')
    .option('--title <text>', "the report's title")
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (folders: string[], options: ReportOptions) => {
      const out = output(options.json === true);
      const directories = folders.flatMap(runsIn);
      const experiment = options.config
        ? await loadExperiment({ config: options.config })
        : undefined;
      const engine = await startEngine(options, out);
      const runs = [];
      for (const directory of directories) {
        runs.push({
          name: basename(directory),
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
  ]);
}
