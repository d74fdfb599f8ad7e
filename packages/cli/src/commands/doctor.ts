import { cpus, totalmem } from 'node:os';
import { describeEngine, type EngineName, type GpuReport } from '@llr/engine/node';
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
    .action(showEngines);
  withExamples(command, ['llr doctor', 'llr doctor --json', 'LLR_ENGINE=cpu llr doctor']);
}

/**
 * Prints the engines of this machine and which is taken.
 *
 * @throws after that, when the one asked for can't be had
 */
export async function showEngines({ engine, json }: DoctorOptions): Promise<void> {
  const { engines, gpu } = await describeEngine(engine);
  const machine = {
    llr: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: cpus().length,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
  };
  if (json) {
    process.stdout.write(`${JSON.stringify({ machine, gpu, engines }, null, 2)}\n`);
  } else {
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
    process.stdout.write(`${gpuLine(gpu)}\n`);
  }
  if (engines.some(({ taken }) => taken)) return;
  const wanted = engine ?? process.env.LLR_ENGINE;
  const found = engines.find(({ name }) => name === wanted);
  throw new Error(
    found
      ? `The engine ${wanted} can't be used: ${found.reason}${found.install ? ` (${found.install})` : ''}.`
      : 'No engine can be used.',
  );
}

const gpuLine = ({ driver = 'not found', cuda = 'not found', cudnn = 'not found' }: GpuReport) =>
  `GPU: NVIDIA driver ${driver}, CUDA runtime ${cuda}, cuDNN ${cudnn}`;
