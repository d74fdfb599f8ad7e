import type { Accuracy } from '@llr/attacks';
import { bar } from '../bar.ts';
import { count, number, percent, seconds } from '../format.ts';
import { type Html, html } from '../html.ts';
import { verdictWords } from '../verdict-words.ts';
import type { BoardGroup } from './groups.ts';
import type { BoardEntry } from './input.ts';

interface Column {
  name: string;
  sort: 'numbers' | 'words';
  /** What it is sorted by, and what stands in the cell; undefined where that is not known. */
  cell(entry: BoardEntry): { value: number | string; content: Html | string } | undefined;
}

const columns: Column[] = [
  { name: 'Clean', sort: 'numbers', cell: ({ evaluation }) => accuracyCell(evaluation.clean) },
  {
    name: 'Worst case',
    sort: 'numbers',
    cell: ({ evaluation }) => accuracyCell(evaluation.robust),
  },
  { name: 'Doubts', sort: 'words', cell: doubtsCell },
  {
    name: 'Training',
    sort: 'words',
    cell: ({ training }) =>
      training === undefined ? undefined : { value: training, content: training },
  },
  {
    name: 'Network',
    sort: 'words',
    cell: ({ architecture }) => ({ value: architecture, content: architecture }),
  },
  {
    name: 'Parameters',
    sort: 'numbers',
    cell: ({ parameters: n }) => (n === undefined ? undefined : { value: n, content: count(n) }),
  },
  {
    name: 'Images',
    sort: 'numbers',
    cell: ({ evaluation: { clean } }) => ({ value: clean.total, content: count(clean.total) }),
  },
  {
    name: 'Attacks',
    sort: 'numbers',
    cell: ({ evaluation: { attacks } }) => ({
      value: attacks.length,
      content: attacks.map(({ name }) => name).join(', ') || 'none',
    }),
  },
  {
    name: 'Mean √γ',
    sort: 'numbers',
    cell: ({ meanSqrtGamma: mean }) =>
      mean === undefined ? undefined : { value: mean, content: number(mean) },
  },
  {
    name: 'Training time',
    sort: 'numbers',
    cell: ({ seconds: s }) => (s === undefined ? undefined : { value: s, content: seconds(s) }),
  },
];

function accuracyCell({ value, interval }: Accuracy) {
  const [low, high] = interval;
  return {
    value,
    content: html`<span class="value">${percent(value)}</span><span class="interval">${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}</span>${bar(value, interval)}`,
  };
}

/** What speaks against a row's numbers: sorted so that what nothing speaks against comes first. */
function doubtsCell({ verdict, violations = 0, evaluation: { warnings } }: BoardEntry) {
  const known = verdict && verdictWords[verdict.verdict];
  const found = [
    ...(known && verdict?.verdict !== 'clear' ? [known.words.toLowerCase()] : []),
    ...(violations > 0 ? [`${count(violations)} images violate a bound`] : []),
    ...(warnings.length > 0
      ? [`${count(warnings.length)} ${warnings.length === 1 ? 'warning' : 'warnings'}`]
      : []),
  ];
  if (found.length > 0) {
    return {
      value: `2 ${found.join(', ')}`,
      content: html`<span class="${known?.mood === 'broken' || violations > 0 ? 'broken' : 'doubtful'}">${found.join(', ')}</span>`,
    };
  }
  return verdict
    ? { value: '0', content: html`<span class="held">none found</span>` }
    : { value: '1', content: html`<span class="muted">not judged</span>` };
}

/** The networks of a group, ranked by their worst case. */
export function boardTable(
  { name, rows }: BoardGroup,
  cardOf: (entry: BoardEntry) => string,
): Html {
  const suites = new Set(
    rows.map(({ entry }) => entry.evaluation.attacks.map((attack) => attack.name).join()),
  );
  return html`<p class="hint">Ranked by the worst case: the share of test images that are right unperturbed and under every attack, with its 95 % interval.${
    suites.size > 1 &&
    ' These networks were not all attacked alike, and fewer attacks leave more: compare those with the same attacks.'
  }</p>
<div class="scroll" tabindex="0" role="region" aria-label="Networks on ${name}"><table class="plain board sortable"><caption class="hidden">${name}</caption>
<thead><tr><th scope="col" data-sort="words">Run</th><th scope="col" data-sort="rank">Rank</th>${columns.map((column) => html`<th scope="col" data-sort="${column.sort}"${column.name === 'Worst case' && html` aria-sort="descending"`}>${column.name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ rank, entry }) => html`
<tr><th scope="row" data-value="${entry.name}"><a href="#${cardOf(entry)}">${breakable(entry.name)}</a></th><td data-value="${rank}">${rank}</td>${columns.map(
      (column) => {
        const cell = column.cell(entry);
        return cell ? html`<td data-value="${cell.value}">${cell.content}</td>` : html`<td>–</td>`;
      },
    )}</tr>`,
  )}
</tbody></table></div>`;
}

/** A path may be broken after its slashes. */
const breakable = (path: string): Html[] =>
  path.split('/').map((part, i) => html`${i > 0 && html`/<wbr/>`}${part}`);
