// npm run bench:parallel: steps of several processes under mpirun. See ../README.md.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../setup.mjs';
import { machine } from '../report.mjs';
import { minimum } from '../statistics.mjs';
import { predictions } from './predict.mjs';

const usage = `Times training steps of several processes under mpirun (Linux, native TensorFlow, one thread each).

  npm run bench:parallel -- [options]

  --ranks N,…     numbers of processes (default 1,2,3)
  --rounds N      runs of each, in turn (default 3); the fastest step counts
  --steps N       steps in a run (default 10)
  --mpirun NAME   default: mpirun.openmpi
  --hosts         each process on a host of its own, made of network namespaces (root)
  --json FILE     writes everything that was measured
  --help`;

/** As much work for each process, whatever their number; WRN-16-4 has 2.7 million parameters, ResNet-152 60 million. */
const workload = { depth: 16, widthFactor: 4, batch: 8, searchSteps: 2 };
const sizes = [2_748_890, 60_192_808];

const namespaces = join(import.meta.dirname, '../../mpi/namespaces.sh');
const hostName = (i) => `llr-${i + 1}`;

function run(ranks, { mpirun, steps, hosts }) {
  const names = Array.from({ length: ranks }, (_, i) => hostName(i));
  const where = hosts ? ['--host', names.join(','), '--mca', 'plm_rsh_agent', namespaces] : [];
  const openMpi = mpirun.includes('mpich') ? [] : ['--oversubscribe', '--bind-to', 'none'];
  const start = [mpirun, ...openMpi, ...where, '-n', String(ranks)];
  const rank = [process.execPath, '--conditions', '@llr/source', '--import', 'tsx'];
  const program = join(import.meta.dirname, 'rank.mjs');
  const task = JSON.stringify({ ...workload, steps, sizes: ranks > 1 ? sizes : [] });
  const [command, ...args] = [
    ...(hosts ? [namespaces, 'run', hostName(0)] : []),
    ...start,
    ...rank,
    program,
    task,
  ];
  const env = {
    ...process.env,
    LLR_ENGINE: 'tensorflow',
    CUDA_VISIBLE_DEVICES: '',
    OMPI_ALLOW_RUN_AS_ROOT: '1',
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  };
  const options = { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  const printed = execFileSync(command, args, options);
  return JSON.parse(printed.split('\n').find((line) => line.startsWith('{"world"')));
}

/** The fastest of what was measured; a step is as slow as its slowest rank. */
function summary(ranks, runs) {
  const slowest = (at, field) =>
    runs.flatMap((each) =>
      each.ranks[0][at].map((_, i) => Math.max(...each.ranks.map((rank) => rank[at][i][field]))),
    );
  const sums = sizes.map((floats) => {
    const seconds = runs.flatMap((each) =>
      each.ranks[0].sums.filter((sum) => sum.floats === floats).map((sum) => sum.seconds),
    );
    return { floats, seconds: minimum(seconds) };
  });
  return {
    ranks,
    world: runs[0].world,
    step: minimum(slowest('steps', 'seconds')),
    cpu: minimum(slowest('steps', 'cpu')),
    reduce: minimum(slowest('steps', 'reduce')),
    bytes: runs[0].ranks[0].steps[0].bytes,
    sums: ranks > 1 ? sums : [],
    runs,
  };
}

const markdown = ([head, ...rows]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function table(rows) {
  const [one] = rows;
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return markdown([
    ['ranks', 'step', 'CPU of a rank', 'all-reduce', 'bytes', 'efficiency', '241 MB'],
    ...rows.map(({ ranks, step, cpu, reduce, bytes, sums }) => [
      ranks,
      `${step.toFixed(3)} s`,
      `${cpu.toFixed(3)} s`,
      ranks > 1 ? `${reduce.toFixed(3)} s` : '',
      ranks > 1 ? megabytes(bytes) : '',
      one.ranks === 1 ? `${((100 * one.step) / step).toFixed(0)} %` : '',
      sums.length > 0 ? `${sums.at(-1).seconds.toFixed(2)} s` : '',
    ]),
  ]);
}

function main() {
  const { values } = parseArgs({
    options: {
      ranks: { type: 'string', default: '1,2,3' },
      rounds: { type: 'string', default: '3' },
      steps: { type: 'string', default: '10' },
      mpirun: { type: 'string', default: 'mpirun.openmpi' },
      hosts: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(usage);
  const counts = values.ranks.split(',').map(Number);
  const options = { ...values, steps: Number(values.steps) };
  if (values.hosts) execFileSync(namespaces, ['up', String(Math.max(...counts))]);
  try {
    const runs = new Map(counts.map((ranks) => [ranks, []]));
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const ranks of counts) {
        runs.get(ranks).push(run(ranks, options));
        process.stderr.write(`round ${round + 1}: ${ranks} ranks\n`);
      }
    }
    const rows = counts.map((ranks) => summary(ranks, runs.get(ranks)));
    console.log(table(rows));
    const two = rows.find(({ ranks }) => ranks === 2);
    if (two) {
      const { floats, seconds } = two.sums.at(-1);
      console.log(`\nPredicted, not measured:\n\n${markdown(predictions(seconds / (4 * floats)))}`);
    }
    if (values.json) {
      const here = machine(1);
      writeFileSync(values.json, `${JSON.stringify({ machine: here, workload, rows }, null, 2)}\n`);
    }
  } finally {
    if (values.hosts) execFileSync(namespaces, ['down']);
  }
}

try {
  main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
