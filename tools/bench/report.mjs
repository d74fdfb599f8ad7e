import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { medianRatio } from './rounds.mjs';
import { median, minimum } from './statistics.mjs';

/** What the times depend on. */
export function machine(threads) {
  const flags =
    /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
  return {
    processor: cpus()[0].model,
    processors: availableParallelism(),
    threads,
    memory: totalmem(),
    // Without one of these there is no gain from bfloat16.
    bfloat16: flags.filter((flag) => ['avx512_bf16', 'amx_bf16'].includes(flag)),
    node: process.version,
  };
}

/** One row for each variant: plain numbers, for people and for the JSON file. */
export function rowsOf(timed, agreement) {
  const reference = timed[0];
  return timed.map(({ variant, steps, ...rest }) => {
    const seconds = steps.map((step) => step.seconds);
    const checked = agreement.get(variant.name);
    return {
      name: variant.name,
      title: variant.title,
      ...rest,
      min: minimum(seconds),
      median: median(seconds),
      ratio: medianRatio(steps, reference.steps),
      cpu: median(steps.map((step) => step.cpuSeconds)),
      ...(checked && { agreement: checked }),
      steps,
    };
  });
}

/** The table of a workload, as Markdown. */
export function table(rows) {
  const [{ title: reference }] = rows;
  const cells = [
    [
      'variant',
      'min s',
      'median s',
      `time / ${reference}`,
      'CPU s',
      'peak MB',
      'start MB',
      'off by',
      'δ differs',
    ],
    ...rows.map((row) => [
      row.title + (row.layout ? ` (${row.layout})` : ''),
      row.min.toFixed(3),
      row.median.toFixed(3),
      row.ratio?.toFixed(2) ?? '',
      row.cpu.toFixed(2),
      megabytes(row.peakRss),
      megabytes(row.startRss),
      ...agreed(row.agreement),
    ]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(cells[0]), line(rule), ...cells.slice(1).map(line)].join('\n');
}

const megabytes = (kilobytes) => (kilobytes / 1000).toFixed(0);

function agreed(agreement) {
  if (!agreement) return ['', ''];
  if (agreement.reference) return ['reference', ''];
  return [agreement.worst.error.toExponential(1), `${(100 * agreement.differing).toFixed(2)} %`];
}
