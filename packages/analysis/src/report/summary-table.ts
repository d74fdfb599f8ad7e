import type { Accuracy } from '@llr/attacks';
import { bar } from './bar.ts';
import { count, percent } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';
import { seriesClass } from './series.ts';

interface Column {
  name: string;
  accuracy(network: ReportNetwork): Accuracy | undefined;
}

/** Accuracy of each network, unperturbed and under each attack. */
export function summaryTable(networks: readonly ReportNetwork[]): Html {
  const columns = columnsOf(networks);
  const totals = new Set(
    networks
      .flatMap((n) => columns.map((c) => c.accuracy(n)?.total))
      .filter((t) => t !== undefined),
  );
  const same = totals.size === 1;
  const images = same ? `${count([...totals][0]!)} test images` : 'n test images';
  // Roles are spelt out because a phone shows the rows as blocks, which takes their meaning from some readers.
  return html`<table class="summary" role="table">
<caption>Share of ${images} classified correctly, with its 95 % interval. The best of each column is marked. “Worst case” counts an image as correct only if no attack broke it.${
    networks.some((n) => n.evaluation.activeSet === 'across-attacks') &&
    ' An attack was spared the images that those before it had broken, and its share counts them as wrong.'
  }</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Network</th>${columns.map(
    ({ name }) => html`<th role="columnheader" scope="col">${name}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${networks.map(
    (network, i) => html`
<tr role="row" class="${seriesClass(i)}"><th role="rowheader" scope="row">${network.name}</th>${columns.map(
      (column) => cell(column, network, networks, same),
    )}</tr>`,
  )}
</tbody></table>`;
}

function columnsOf(networks: readonly ReportNetwork[]): Column[] {
  const attacks = new Set(networks.flatMap((n) => n.evaluation.attacks.map(({ name }) => name)));
  return [
    { name: 'Clean', accuracy: (network) => network.evaluation.clean },
    ...[...attacks].map((name) => ({
      name,
      accuracy: (network: ReportNetwork) =>
        network.evaluation.attacks.find((attack) => attack.name === name)?.accuracy,
    })),
    { name: 'Worst case', accuracy: (network) => network.evaluation.robust },
  ];
}

function cell(
  column: Column,
  network: ReportNetwork,
  networks: readonly ReportNetwork[],
  sameTotal: boolean,
): Html {
  const accuracy = column.accuracy(network);
  if (!accuracy) {
    return html`<td role="cell" data-column="${column.name}"><span class="hidden">not run</span><span aria-hidden="true">–</span></td>`;
  }
  const { value, interval, total } = accuracy;
  const [low, high] = interval;
  const best = Math.max(...networks.map((n) => column.accuracy(n)?.value ?? -1));
  const marked = networks.length > 1 && value === best;
  return html`<td role="cell" data-column="${column.name}"${marked ? html` class="best"` : ''}><span class="value">${percent(value)}</span>${
    marked && html` <span class="tag">best</span>`
  }<span class="interval">${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}${
    !sameTotal && html`, n = ${count(total)}`
  }</span>${bar(value, interval)}</td>`;
}
