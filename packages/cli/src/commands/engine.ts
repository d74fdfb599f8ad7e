import { installTensorFlow, uninstallTensorFlow } from '@llr/engine/node';
import type { Command } from 'commander';
import { jsonOption, withExamples } from '../options.ts';
import { output } from '../output.ts';
import { showEngines } from './doctor.ts';

interface InstallOptions {
  gpu?: boolean;
  wheel?: string;
  json?: boolean;
}

/** `llr engine`: get the native TensorFlow, or be rid of it. */
export function engine(program: Command): void {
  const command = program
    .command('engine')
    .description('install or remove the native TensorFlow, the fastest engine');
  withExamples(
    command
      .command('install')
      .description(
        'build the native TensorFlow into the cache: Linux on x64, pip and a C++ compiler',
      )
      .option('--gpu', 'the build for NVIDIA GPUs, with CUDA and cuDNN (a download of 3 GB)')
      .option(
        '--wheel <path>',
        'the Python wheel of TensorFlow, or a folder of all that is needed, on a machine without network',
      )
      .addOption(jsonOption())
      .action(install),
    ['llr engine install', 'llr engine install --gpu', 'llr engine install --wheel downloads/'],
  );
  withExamples(
    command
      .command('uninstall')
      .description('remove the native TensorFlow from the cache')
      .addOption(jsonOption())
      .action(uninstall),
    ['llr engine uninstall'],
  );
  withExamples(
    command
      .command('list')
      .description('the same as llr doctor')
      .addOption(jsonOption())
      .action(showEngines),
    ['llr engine list'],
  );
  withExamples(command, ['llr engine install', 'llr engine list', 'llr engine uninstall']);
}

async function install({ gpu = false, wheel, json = false }: InstallOptions): Promise<void> {
  const out = output(json);
  let last = '';
  const result = await installTensorFlow({
    gpu,
    ...(wheel && { wheel }),
    onProgress: ({ step, bytes }) => {
      const line = bytes === undefined ? step : `${step}: ${inSteps(bytes)} MB`;
      if (line !== last) out.say(`  ${line}`);
      last = line;
    },
  });
  if (json) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const { tensorflow, folder, bytes, seconds, alreadyThere, gpuProblem } = result;
  const name = `TensorFlow ${tensorflow}${gpu ? ' with CUDA' : ''}`;
  const size = `${Math.round(bytes / 1e6)} MB`;
  process.stdout.write(
    alreadyThere
      ? `${name} is there already: ${folder} (${size}).\n`
      : `${name} is installed: ${folder} (${size}, in ${seconds.toFixed(0)} s).\n`,
  );
  if (gpuProblem) {
    process.stdout.write(
      `It is not used as things are: ${gpuProblem}. llr doctor tells when it can be.\n`,
    );
  }
}

/** Downloads are told in steps of 50 MB. */
const inSteps = (bytes: number) => Math.floor(bytes / 50e6) * 50;

async function uninstall({ json = false }: { json?: boolean }): Promise<void> {
  const { bytes } = uninstallTensorFlow();
  const text =
    bytes === 0 ? 'There was nothing to remove.' : `${Math.round(bytes / 1e6)} MB freed.`;
  process.stdout.write(json ? `${JSON.stringify({ bytes }, null, 2)}\n` : `${text}\n`);
}
