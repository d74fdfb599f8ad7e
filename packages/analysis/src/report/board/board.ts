import { contents } from '../contents.ts';
import { count } from '../format.ts';
import { html } from '../html.ts';
import { page } from '../page.ts';
import { card } from './card.ts';
import { groupsOf } from './groups.ts';
import { type BoardEntry, type BoardInput, checkBoard } from './input.ts';
import { boardTable } from './table.ts';

/**
 * One self-contained HTML page that ranks networks, in the manner of RobustBench (Croce et al. 2021): a table for
 * each data set and threat model, sortable by every column, and below a card for each network. Like a report it
 * loads nothing, and without its script it stands still, sorted by the worst case. The same input gives the same
 * bytes.
 *
 * @throws Error when two networks have one name, or an accuracy is no share; it says which
 */
export function board(input: BoardInput): string {
  checkBoard(input);
  const { title, entries, leftOut } = input;
  const groups = groupsOf(entries);
  const cardOf = (entry: BoardEntry) => `card-${entries.indexOf(entry) + 1}`;
  const sections = [
    ...groups.map((group, i) => ({
      id: `table-${i + 1}`,
      name: group.name,
      content: boardTable(group, cardOf),
    })),
    ...(entries.length > 0
      ? [
          {
            id: 'cards',
            name: 'Model cards',
            content: html`<div class="cards">${groups.flatMap(({ rows }) => rows.map(({ entry }) => card(entry, cardOf(entry))))}</div>`,
          },
        ]
      : []),
    ...(leftOut.length > 0
      ? [
          {
            id: 'left-out',
            name: 'Not in the tables',
            content: html`<ul>${leftOut.map(({ name, reason }) => html`<li><b>${name}</b>: ${reason}</li>`)}</ul>`,
          },
        ]
      : []),
  ];
  const networks = `${count(entries.length)} ${entries.length === 1 ? 'network' : 'networks'}`;
  return page(
    title,
    html`<header><h1>${title}</h1>
<p class="lead">${networks}. Numbers can be compared within a table: it has one data set and one threat model.</p>
${contents(sections)}</header>
${sections.map(
  ({ id, name, content }) =>
    html`<section aria-labelledby="${id}"><h2 id="${id}">${name}</h2>
${content}</section>
`,
)}`,
    'wide',
  );
}
