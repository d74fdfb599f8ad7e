import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { layouts } from './layouts.mjs';
import { variants } from './variants.mjs';
import { workloads } from './workloads.mjs';

export const usage = `Times the LLR step and its search against PyTorch and JAX, on this machine's processors.

  npm run bench -- [options]

  --workload NAME,…   ${workloads.map(({ name }) => name).join(', ')}; default: all but tiny and resnet-152
  --only NAME,…       ${variants.map(({ name }) => name).join(', ')}; default: all but wasm
  --rounds N          steps of each variant (default 10; 5 N of the short ones)
  --quick             3 rounds
  --threads N         default: as many as there are processors
  --layout NAME       PyTorch's memory format (${layouts.join(', ')}); default: the faster, tried first
  --json FILE         writes everything that was measured
  --help`;

/** @throws with a sentence for people when an option is unknown or out of range */
export function parseArguments(args) {
  const { values } = parseArgs({
    args,
    options: {
      workload: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean' },
      threads: { type: 'string' },
      layout: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.layout !== undefined && !layouts.includes(values.layout)) {
    throw new Error(`--layout is one of ${layouts.join(', ')}; got ${values.layout}.`);
  }
  const processors = availableParallelism();
  const threads = count('--threads', values.threads, processors);
  if (threads > processors) {
    throw new Error(`--threads ${threads} is more than the ${processors} processors here.`);
  }
  return {
    help: values.help ?? false,
    workloads: named('--workload', values.workload, workloads),
    variants: named('--only', values.only, variants),
    rounds: count('--rounds', values.rounds, values.quick ? 3 : 10),
    threads,
    layout: values.layout,
    json: values.json,
  };
}

function count(option, text, otherwise) {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${option} takes a whole number of 1 or more; got ${text}.`);
}

function named(option, text, all) {
  if (text === undefined) return all.filter(({ asked }) => !asked);
  const names = text.split(',');
  const unknown = names.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) {
    const known = all.map(({ name }) => name).join(', ');
    throw new Error(`${option} knows no "${unknown}"; there are ${known}.`);
  }
  return all.filter(({ name }) => names.includes(name));
}
