import { cpus, totalmem } from 'node:os';
import { describeEngine, type EngineName } from '@llr/engine/node';
import { version } from '@llr/train';
import type { Command } from 'commander';
import { getBorderCharacters, table } from 'table';
import { engineOption, jsonOption, withExamples } from '../options.ts';

interface DoctorOptions {
  engine?: EngineName;
  json?: boolean;
}

/** `llr doctor`: what this machine can run on. */
export function doctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('show which TensorFlow engines this machine can use, which is taken, and why')
    .addOption(engineOption())
    .addOption(jsonOption())
    .action(async ({ engine, json }: DoctorOptions) => {
      const engines = await describeEngine(engine);
      const machine = {
        llr: version,
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        cores: cpus().length,
        memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
      };
      if (json) {
        process.stdout.write(`${JSON.stringify({ machine, engines }, null, 2)}\n`);
        return;
      }
      const about = Object.entries(machine).map(([name, value]) => `${name} ${value}`);
      const rows = engines.map(({ name, version: installed, reason, install }) => [
        name,
        installed ?? '–',
        reason,
        install ?? '',
      ]);
      process.stdout.write(`${about.join(', ')}\n`);
      process.stdout.write(
        table([['engine', 'version', 'why', 'how to get it'], ...rows], {
          border: getBorderCharacters('norc'),
          columns: { 2: { width: 44, wrapWord: true } },
          drawHorizontalLine: (line, count) => line <= 1 || line === count,
        }),
      );
    });
  withExamples(command, ['llr doctor', 'llr doctor --json', 'LLR_ENGINE=cpu llr doctor']);
}
