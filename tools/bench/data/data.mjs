// Times the streams of @llr/datasets beside a PyTorch DataLoader, in turns, on this machine's processors.
//
//   npm run bench:data -- [--rounds N] [--only imagenet|cifar10|training] [--json FILE]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../../build.mjs';
import { killAll } from '../child.mjs';
import { pythonWith } from '../python.mjs';
import { medianRatio, timeRounds } from '../rounds.mjs';
import { median, minimum } from '../statistics.mjs';

const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const jpegs = 640;
const crops = 50_000;

const ours = (...args) => [process.execPath, join(here, 'our_loader.mjs'), ...args];
const theirs = (...args) => [pythonWith('data'), join(here, 'torch_loader.py'), ...args];

/** Each with the images of one step; the first of a group is what the others are compared with. */
const groups = [
  {
    name: 'imagenet',
    title: 'JPEGs of 500x375, random crops to 224, batches of 32',
    images: 320,
    args: (folder) => [folder, 'imagenet', '10', '32'],
    variants: [
      { name: 'DataLoader, 2 workers', program: theirs },
      { name: 'ours, 1 worker', program: (...args) => ours(...args, '1') },
      { name: 'ours, 2 workers', program: (...args) => ours(...args, '2') },
    ],
  },
  {
    name: 'cifar10',
    title: '32x32 crops and flips, batches of 128',
    images: 390 * 128,
    args: (folder) => [folder, 'cifar10', '390', '128'],
    variants: [
      { name: 'DataLoader, 2 workers', program: theirs },
      { name: 'ours', program: ours },
    ],
  },
  {
    name: 'training',
    title: 'JPEGs as above, each batch followed by 150 ms in which the thread is blocked',
    images: 640,
    args: (folder) => [folder, 'training', '20', '32'],
    waits: true,
    variants: [
      { name: 'ours, 1 worker', program: (...args) => ours(...args, '1') },
      { name: 'ours, 2 workers', program: (...args) => ours(...args, '2') },
    ],
  },
];

const chosen = groups.filter(({ name }) => !values.only || name === values.only);

const progress = (text) => process.stderr.write(`${text}\n`);

async function measure(group, folder) {
  progress(group.title);
  const variants = group.variants.map(({ name, program }) => ({
    name,
    program: () => program(...group.args(folder)),
    env: {},
  }));
  const options = { of: () => ({ threads: availableParallelism() }) };
  const timed = await timeRounds(variants, folder, rounds, options, progress);
  const rows = timed.map(({ variant, runtime, steps, peakRss }) => {
    const seconds = steps.map((step) => step.seconds);
    const milliseconds = 1000 * minimum(steps.map((step) => step.cpuSeconds));
    return {
      variant: variant.name,
      runtime,
      'images/s': Math.round(group.images / median(seconds)),
      best: Math.round(group.images / minimum(seconds)),
      'CPU ms/image': Number((milliseconds / group.images).toFixed(3)),
      ratio: (1 / medianRatio(steps, timed[0].steps)).toFixed(2),
      ...(group.waits && {
        waiting: `${(100 * median(steps.map(({ value }) => value))).toFixed(1)} %`,
      }),
      'peak MB': Math.round(peakRss / 1024),
    };
  });
  console.log(`\n${group.title}`);
  console.table(rows);
  return { title: group.title, rows, timed };
}

build({ types: false });
const folder = mkdtempSync(join(tmpdir(), 'llr-bench-data-'));
process.on('exit', () => {
  killAll();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
try {
  progress('making images');
  const args = [join(here, 'photos.py'), folder, String(jpegs), String(crops)];
  execFileSync(pythonWith('data'), args, { stdio: 'inherit' });
  const results = [];
  for (const group of chosen) results.push(await measure(group, folder));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
