/**
 * Makes the rows of a table sortable by each column whose heading has `data-sort` ("numbers", "rank" or
 * "words"): its name becomes a button. Cells say by `data-value` what they are sorted by; what has none is last either way.
 */
export function sortable(table: HTMLTableElement): void {
  const headings = [...table.querySelectorAll<HTMLElement>('thead th')];
  headings.forEach((heading, column) => {
    const kind = heading.dataset.sort;
    if (!kind) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', () => {
      // Numbers begin with the largest, ranks with 1, words with A; the second time it is the other way round.
      const first = kind === 'numbers' ? 'descending' : 'ascending';
      const other = first === 'descending' ? 'ascending' : 'descending';
      const order = heading.getAttribute('aria-sort') === first ? other : first;
      for (const one of headings) one.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', order);
      sort(table.tBodies[0]!, column, kind !== 'words', order === 'ascending');
    });
  });
}

function sort(body: HTMLTableSectionElement, column: number, numbers: boolean, ascending: boolean) {
  const words = new Intl.Collator('en', { numeric: true });
  const rows = [...body.rows].map((row) => ({ row, value: row.cells[column]?.dataset.value }));
  rows.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) {
      return Number(a.value === undefined) - Number(b.value === undefined);
    }
    const order = numbers ? Number(a.value) - Number(b.value) : words.compare(a.value, b.value);
    return ascending ? order : -order;
  });
  body.append(...rows.map(({ row }) => row));
}
