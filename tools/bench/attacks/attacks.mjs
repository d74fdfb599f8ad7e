// npm run bench:attacks: our attacks beside those of other libraries. See ../README.md.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../build.mjs';
import { root, setUp } from '../../setup.mjs';
import { cacheFolder, pythonWith } from '../python.mjs';
import { machine } from '../report.mjs';
import { parseArguments, usage } from './arguments.mjs';
import { epsilon } from './comparisons.mjs';
import { attackTable, gradientTable, inTurn, resultsOf, suitable } from './report.mjs';
import { killAll, startOurs, startPeers } from './workers.mjs';

const here = import.meta.dirname;
const progress = (line) => process.stderr.write(`${line}\n`);
const seconds = ({ seconds, cpuSeconds }) =>
  `${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} CPU s)`;

/** Networks are trained once for each version of what trains them. */
function networksFolder() {
  const source = readFileSync(join(here, 'ours/experiment.mjs'));
  const version = createHash('sha256').update(source).digest('hex').slice(0, 12);
  return join(cacheFolder, 'llr-bench-attacks-networks', version);
}

/** The largest difference between the logits of the two sides. */
async function disagreement(ours, peers, network) {
  const [a, b] = [
    await ours.ask({ do: 'logits', network }),
    await peers.ask({ do: 'logits', network, layout: 'nchw' }),
  ];
  const theirs = b.logits.flat();
  return Math.max(...a.logits.flat().map((value, i) => Math.abs(value - theirs[i])));
}

const sameLogits = 1e-4;

/** Which batch size and, for PyTorch, memory format is fastest: each side gets its own. */
async function suit(ours, peers, images) {
  // Of a few images, a large batch would be filled up with what nobody asked for.
  const batches = [10, 20, 25, 50, 100].filter((batch) => batch === 10 || batch <= images / 4);
  const found = [];
  for (const batch of batches) {
    const task = { do: 'gradient', network: 'robust', batch, times: 8 };
    found.push({ side: 'ours', batch, ...(await ours.ask(task)) });
    for (const layout of ['nchw', 'channels_last']) {
      found.push({ side: 'peers', layout, batch, ...(await peers.ask({ ...task, layout })) });
    }
  }
  return { found, ours: suitable(found, 'ours'), peers: suitable(found, 'peers') };
}

async function compare(comparison, { ours, peers, suited, options }) {
  const { network, asks, attacks, activeSets = [undefined], images = options.images } = comparison;
  // AutoAttack looks for what makes its numbers mean little, too.
  const selfChecks = asks === 'suite';
  const count = Math.min(images, options.images);
  const common = { do: 'attack', network, images: count, epsilon };
  const sides = [
    ...activeSets.map((activeSet) => ({
      name: activeSet ? `ours, ${activeSet}` : 'ours',
      run: (seed) =>
        ours.ask({ ...common, attacks, batch: suited.ours.batch, seed, activeSet, selfChecks }),
    })),
    ...comparison.peers
      .filter((name) => options.peers.includes(name))
      .map((library) => ({
        name: library,
        run: async (seed) => {
          const { batch, layout } = suited.peers;
          const done = [];
          for (const one of attacks) {
            done.push(await peers.ask({ ...common, ...one, library, layout, batch, seed }));
          }
          return inTurn(done);
        },
      })),
  ];
  const runs = Object.fromEntries(sides.map(({ name }) => [name, []]));
  const rounds = Math.min(options.rounds, comparison.rounds);
  for (let round = 0; round < rounds; round++) {
    const first = round % sides.length;
    for (const { name, run } of [...sides.slice(first), ...sides.slice(0, first)]) {
      const result = await run(round);
      runs[name].push(result);
      const robust = result.robust.filter(Boolean).length;
      progress(`  ${name}: ${robust} of ${count} robust, ${seconds(result)}`);
    }
  }
  return { ...comparison, images: count, rounds, runs };
}

async function main() {
  const options = parseArguments(process.argv.slice(2));
  if (options.help) return console.log(usage);
  if (process.platform !== 'linux') throw new Error('The bench reads /proc: it needs Linux.');
  if (!existsSync(join(root, 'node_modules'))) setUp();
  build({ types: false });
  const here = machine(availableParallelism());
  progress(`${here.processor}, ${here.threads} threads`);
  pythonWith('attacks');

  const folder = mkdtempSync(join(tmpdir(), 'llr-bench-attacks-'));
  process.on('exit', () => {
    killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  prepare(folder, options.images);
  const ours = await startOurs(folder, here.threads);
  const peers = await startPeers(folder, here.threads);

  for (const network of ['robust', 'not-robust']) {
    const difference = await disagreement(ours, peers, network);
    progress(`${network}: logits differ by at most ${difference.toExponential(1)}`);
    if (!(difference < sameLogits)) {
      throw new Error(`The two sides compute different logits (${network}, ${difference}).`);
    }
  }
  const suited = await suit(ours, peers, options.images);
  console.log(`\n${gradientTable(suited)}\n`);

  const results = [];
  for (const comparison of options.comparisons) {
    progress(`${comparison.title} (${comparison.name}, ${comparison.network})`);
    results.push(resultsOf(await compare(comparison, { ours, peers, suited, options })));
    if (options.json) {
      const versions = { ours: ours.description, peers: peers.description };
      const report = {
        date: new Date().toISOString(),
        machine: here,
        versions,
        epsilon,
        suited,
        results,
      };
      writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  }
  console.log(attackTable(results));
}

function prepare(folder, images) {
  const program = join(here, 'ours/prepare.mjs');
  const args = [networksFolder(), folder, String(images)];
  execFileSync(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

try {
  await main();
  process.exit();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
