// npm run bench: times the LLR step and its search against PyTorch and JAX. See README.md.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../build.mjs';
import { root, setUp } from '../setup.mjs';
import { parseArguments, usage } from './arguments.mjs';
import { checkAgreement } from './check-agreement.mjs';
import { killAll } from './child.mjs';
import { chooseLayouts } from './layouts.mjs';
import { NoPython, pythonWith } from './python.mjs';
import { machine, rowsOf, table } from './report.mjs';
import { timeRounds } from './rounds.mjs';

const progress = (line) => process.stderr.write(`${line}\n`);

/** The variants that can run here; says which can't. */
function available(variants) {
  const missing = new Map();
  for (const runtime of new Set(variants.map((variant) => variant.runtime))) {
    try {
      if (runtime !== 'node') pythonWith(runtime);
    } catch (error) {
      if (!(error instanceof NoPython)) throw error;
      missing.set(runtime, error.message);
    }
  }
  const skipped = variants.filter(({ runtime }) => missing.has(runtime));
  for (const { name, runtime } of skipped) progress(`Not run: ${name} (${missing.get(runtime)})`);
  return variants.filter((variant) => !skipped.includes(variant));
}

async function measure(workload, variants, { rounds, threads, layout }, scratch) {
  progress(`${workload.title} (${workload.name})`);
  const folder = join(scratch, workload.name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'workload.json'), JSON.stringify(workload));
  execFileSync(process.execPath, [join(import.meta.dirname, 'ours/prepare.mjs'), folder]);

  const tried = layout
    ? { float32: { layout }, bfloat16: { layout } }
    : await chooseLayouts(variants, folder, Math.min(rounds, 3), { threads }, progress);
  const of = ({ runtime, precision }) => ({
    threads,
    ...(runtime === 'torch' && { layout: tried[precision].layout }),
  });
  const agreement = await checkAgreement(workload, variants, folder, { of }, progress);
  const timed = await timeRounds(variants, folder, rounds * workload.repeat, { of }, progress);
  return { ...workload, layouts: tried, rows: rowsOf(timed, agreement) };
}

const someOf = (problems) =>
  problems.slice(0, 3).join('; ') +
  (problems.length > 3 ? `; and ${problems.length - 3} more` : '');

/** A sentence for each thing that one variant computes otherwise than the others. */
function disagreements({ name, kind, rows, sameObjective }) {
  const wrong = rows
    .filter((row) => row.agreement?.problems.length > 0)
    .map((row) => `${name}, ${row.name}: ${someOf(row.agreement.problems)}`);
  if (kind !== 'llr') return wrong;
  const [first] = rows;
  const others = rows.filter(({ agreement, firstStep }) => {
    if (!agreement) return false;
    const change = firstStep.value / first.firstStep.value - 1;
    return !(Math.abs(change) <= sameObjective);
  });
  return [
    ...wrong,
    ...others.map(
      (row) =>
        `${name}, ${row.name}: the objective of its first step is ${row.firstStep.value}, not near ${first.name}'s ${first.firstStep.value}`,
    ),
  ];
}

async function main() {
  const options = parseArguments(process.argv.slice(2));
  if (options.help) return console.log(usage);
  if (process.platform !== 'linux') throw new Error('The bench reads /proc: it needs Linux.');
  // Only a fresh clone: npm ci would remove an engine installed beside the locked packages.
  if (!existsSync(join(root, 'node_modules'))) setUp();
  build({ types: false });
  const here = machine(options.threads);
  progress(`${here.processor}, ${here.threads} of ${here.processors} processors`);
  if (here.bfloat16.length === 0)
    progress(
      'It has no instructions for bfloat16: ours computes in float32 instead, PyTorch imitates it.',
    );
  const variants = available(options.variants);

  const scratch = mkdtempSync(join(tmpdir(), 'llr-bench-'));
  process.on('exit', () => {
    killAll();
    rmSync(scratch, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

  const results = [];
  for (const workload of options.workloads) {
    const fit = variants.filter(({ kinds }) => kinds.includes(workload.kind));
    if (fit.length === 0) continue;
    const result = await measure(workload, fit, options, scratch);
    results.push(result);
    console.log(`\n${result.title}\n\n${table(result.rows)}\n`);
  }
  if (options.json) {
    const { rounds, threads } = options;
    const report = {
      date: new Date().toISOString(),
      machine: here,
      rounds,
      threads,
      workloads: results,
    };
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  if (results.length === 0) throw new Error('No variant could be run.');
  const problems = results.flatMap(disagreements);
  if (problems.length > 0) {
    throw new Error(`These variants don't compute the same:\n  ${problems.join('\n  ')}`);
  }
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
