import { failingBounds } from './bounds-section.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';

/** What speaks against the page's numbers, before any of them. Nothing where nothing does. */
export function doubts(networks: readonly ReportNetwork[]): Html | undefined {
  const found = [
    ...networks.flatMap(({ name, verdict }) =>
      verdict && verdict.verdict !== 'clear' ? [`${name}: ${verdict.summary}`] : [],
    ),
    ...failingBounds(networks).map((failing) => `${failing}, though it is proven.`),
    ...networks.flatMap(({ name, evaluation }) =>
      evaluation.warnings.map(({ message }) => `${name}: ${message}`),
    ),
  ];
  if (found.length === 0) return undefined;
  return html`<div class="alarm" role="note" aria-labelledby="doubts"><h2 id="doubts">Reasons to doubt these numbers</h2>
<ul>${found.map((one) => html`<li>${one}</li>`)}</ul></div>`;
}
