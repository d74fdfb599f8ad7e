import type { Accuracy } from '@llr/attacks';
import type { Cell, Claim, Measure, Row } from './findings.ts';
import type { Reproduction } from './reproduction.ts';

/** What came of a table or figure, for people: the paper's numbers beside ours, and what they say of its claims. */
export function markdownOf(reproduction: Reproduction): string {
  const { title, rows, measures, claims, figures, notes, made } = reproduction;
  const parts = [
    `## ${title}`,
    inSentences(reproduction),
    rows.length > 0 ? numbersTable(rows) : '',
    measures.length > 0 ? measuresTable(measures) : '',
    ...figures.map(({ file, alt }) => `![${alt}](${file})`),
    claims.length > 0 ? claimsTable(claims) : '',
    ...notes,
    `Made by \`${made.command}\` on ${made.engine}, seed ${made.seed}, LLR ${made.llr}${made.commit ? `, commit ${made.commit.slice(0, 10)}` : ''}.`,
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function inSentences({ networks, images }: Reproduction): string {
  const [first] = networks;
  if (!first) return '';
  const seconds = (of: 'training' | 'attacking') =>
    Math.round(networks.reduce((sum, network) => sum + network[of], 0));
  const on = images > 0 ? ` Attacked on the first ${images.toLocaleString('en')} test images.` : '';
  return `${first.model} on ${first.data}, ${first.threat}; ${first.trained}.${on} Training took ${seconds('training')} s, attacking ${seconds('attacking')} s.`;
}

/** “86.8 / 77.2 ± 3.6 (−9.6)”: the paper's, ours with half its 95 % interval, the difference. */
function numbersTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap(({ cells }) => cells.map(({ column }) => column)))];
  const head = columns.flatMap((column) => [`${column}: paper`, 'ours', 'difference']);
  const shown = ({ label, cells }: Row) => [
    label,
    ...columns.flatMap((column) => cellOf(cells.find((cell) => cell.column === column))),
  ];
  return tableOf(['network', ...head], rows.map(shown), 1);
}

const cellOf = (cell: Cell | undefined): string[] =>
  cell
    ? [`${cell.paper.toFixed(2)} %`, percent(cell.ours), signed(cell.difference)]
    : ['–', '–', '–'];

const percent = ({ value, interval: [low, high] }: Accuracy): string =>
  `${(100 * value).toFixed(1)} % ± ${(50 * (high - low)).toFixed(1)}`;

const signed = (difference: number): string =>
  `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(1)}`;

function measuresTable(measures: readonly Measure[]): string {
  const networks = [...new Set(measures.flatMap(({ values }) => Object.keys(values)))];
  const rows = measures.map(({ what, values }) => [
    what,
    ...networks.map((name) => values[name]?.toPrecision(3) ?? '–'),
  ]);
  return tableOf(['', ...networks], rows, 1);
}

function claimsTable(claims: readonly Claim[]): string {
  const rows = claims.map(({ claim, source, outcome, evidence }) => [
    claim,
    source,
    `**${outcome}**`,
    evidence,
  ]);
  return tableOf(['the paper’s claim', 'where', 'here', 'by'], rows, 4);
}

/** @param left - how many columns are text */
function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: number,
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, i) => (i < left ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
