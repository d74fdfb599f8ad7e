// From what both sides answered to tables, as Markdown.
import { median, minimum } from '../statistics.mjs';

/** A comparison's plain result: a row for each that took part, compared with the first, which is ours. */
export function resultsOf({ runs, attacks, asks, network, name, title, images, rounds }) {
  const [[, reference]] = Object.entries(runs);
  const rows = Object.entries(runs).map(([by, results]) => ({
    by,
    robust: mean(results.map(({ robust }) => accuracy(robust))),
    seconds: minimum(results.map(({ seconds }) => seconds)),
    cpuSeconds: minimum(results.map(({ cpuSeconds }) => cpuSeconds)),
    ratio: ratioOf(results, reference, 'seconds'),
    cpuRatio: ratioOf(results, reference, 'cpuSeconds'),
    // What one side breaks in some round, and the other in none.
    onlyThey: without(brokenIn(results), brokenIn(reference)),
    onlyWe: without(brokenIn(reference), brokenIn(results)),
    outside: Math.max(...results.map(({ outside = 0 }) => outside)),
    parts: results[0].parts,
    warnings: results[0].warnings ?? [],
    results,
  }));
  return { name, title, asks, network, images, rounds, attacks, rows };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const accuracy = (robust) => mean(robust.map(Number));

/** How many times as long as the reference, in the median over the rounds. */
const ratioOf = (results, reference, name) =>
  median(results.map((result, round) => result[name] / reference[round][name]));

/** The examples that some round broke. */
const brokenIn = (results) =>
  results[0].robust.flatMap((_, i) => (results.some(({ robust }) => !robust[i]) ? [i] : []));

const without = (these, those) => these.filter((one) => !those.includes(one));

/** What several attacks that know nothing of one another come to: an example is robust if it is under each. */
export function inTurn(done) {
  const total = (name) => done.reduce((sum, one) => sum + one[name], 0);
  return {
    robust: done[0].robust.map((_, i) => done.every(({ robust }) => robust[i])),
    outside: Math.max(...done.map(({ outside }) => outside)),
    parts: Object.assign({}, ...done.map(({ parts }) => parts)),
    seconds: total('seconds'),
    cpuSeconds: total('cpuSeconds'),
  };
}

/** The smallest batch that is as good as the best: a small one wastes less at the end of what is to be done. */
export function suitable(found, side) {
  const perImage = ({ gradient, batch }) => gradient.cpuSeconds / batch;
  const own = found.filter((one) => one.side === side);
  const least = Math.min(...own.map(perImage));
  return own.find((one) => perImage(one) < 1.1 * least);
}

/** Time of a gradient in the input, and of a forward pass, per image. */
export function gradientTable({ found, ours, peers }) {
  const milliseconds = ({ cpuSeconds, seconds }, batch) =>
    `${((1000 * seconds) / batch).toFixed(2)} (${((1000 * cpuSeconds) / batch).toFixed(2)})`;
  return table([
    ['', 'batch', 'gradient, ms an image (CPU)', 'forward pass', 'taken'],
    ...found.map((one) => [
      one.side === 'ours' ? 'ours' : `PyTorch, ${one.layout}`,
      String(one.batch),
      milliseconds(one.gradient, one.batch),
      milliseconds(one.forward, one.batch),
      one === ours || one === peers ? 'yes' : '',
    ]),
  ]);
}

/** All comparisons, one after another. */
export const attackTable = (results) =>
  results
    .map(
      ({ title, name, network, images, rounds, rows }) =>
        `### ${title}\n\n\`${name}\`: network “${network}”, ${images} images, rounds: ${rounds}\n\n${rowsTable(rows)}`,
    )
    .join('\n\n');

const rowsTable = (rows) =>
  table([
    ['', 'robust', 's', 'CPU s', 'time / ours', 'CPU / ours', 'broken by it only', 'by ours only'],
    ...rows.map((row, i) => [
      row.by + (row.outside > 1e-6 ? ` (${row.outside.toExponential(1)} outside)` : ''),
      `${(100 * row.robust).toFixed(1)} %`,
      row.seconds.toFixed(1),
      row.cpuSeconds.toFixed(1),
      i === 0 ? '' : row.ratio.toFixed(2),
      i === 0 ? '' : row.cpuRatio.toFixed(2),
      row.onlyThey.join(' '),
      row.onlyWe.join(' '),
    ]),
    ...rows.flatMap((row) => (Object.keys(row.parts).length > 1 ? partsOf(row, rows[0]) : [])),
  ]);

/** The attacks that a suite consists of, each by itself, and all but FAB, which ours doesn't have. */
function partsOf({ by, seconds, cpuSeconds, parts }, reference) {
  const line = (name, took, ...rest) => [
    name,
    '',
    took.seconds.toFixed(1),
    took.cpuSeconds?.toFixed(1) ?? '',
    ...rest,
    ...Array(4 - rest.length).fill(''),
  ];
  const fab = Object.entries(parts).find(([name]) => name.startsWith('FAB'))?.[1];
  const without = fab && {
    seconds: seconds - fab.seconds,
    cpuSeconds: cpuSeconds - fab.cpuSeconds,
  };
  return [
    ...(without
      ? [
          line(
            `${by} without FAB`,
            without,
            (without.seconds / reference.seconds).toFixed(2),
            (without.cpuSeconds / reference.cpuSeconds).toFixed(2),
          ),
        ]
      : []),
    ...Object.entries(parts).map(([name, part]) =>
      line(`${by}: ${name} breaks ${part.broken}`, part),
    ),
  ];
}

function table(cells) {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(Math.max(width - 1, 1))}:`)).join(' | ')} |`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}
