import { count, seconds } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportInput, ReportNetwork } from './input.ts';

/** How the numbers came about: configuration, versions, engine, seed, times. */
export function detailsSection({ networks, details }: ReportInput): Html {
  const run = Object.entries(details);
  const keys = [...new Set(networks.flatMap((network) => Object.keys(network.details)))];
  return html`${run.length > 0 && html`<details open><summary>This run</summary><dl>${run.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></details>`}
${
  keys.length > 0 &&
  html`<details><summary>The networks</summary>${networkTable(
    'What was set and measured for each network',
    networks,
    keys.map((key) => [key, networks.map((network) => network.details[key] ?? '–')]),
  )}</details>`
}
${networks.map(
  ({ name, settings }) =>
    settings !== undefined &&
    html`<details><summary>All settings of ${name}</summary><div class="scroll" tabindex="0" role="region" aria-label="All settings of ${name}, as JSON"><pre>${JSON.stringify(settings, null, 2)}</pre></div></details>`,
)}
<details><summary>The attacks</summary>${networkTable('Tries (restarts and targets, for each image until it is broken) and wall time of each attack, and the seed of the evaluation', networks, attackRows(networks))}</details>`;
}

function attackRows(networks: readonly ReportNetwork[]): [string, string[]][] {
  const names = new Set(networks.flatMap((n) => n.evaluation.attacks.map(({ name }) => name)));
  const attacks = [...names].map((name): [string, string[]] => [
    name,
    networks.map(({ evaluation }) => {
      const attack = evaluation.attacks.find((one) => one.name === name);
      if (!attack) return 'not run';
      return `${count(attack.tries)} ${attack.tries === 1 ? 'try' : 'tries'} at ${count(attack.attacked)} images, ${seconds(attack.seconds)}`;
    }),
  ]);
  return [...attacks, ['seed', networks.map(({ evaluation }) => String(evaluation.seed))]];
}

const networkTable = (
  caption: string,
  networks: readonly ReportNetwork[],
  rows: readonly (readonly [string, readonly string[]])[],
): Html => html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="plain"><caption>${caption}</caption>
<thead><tr><td></td>${networks.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
  ([name, values]) =>
    html`<tr><th scope="row">${name}</th>${values.map((value) => html`<td>${value}</td>`)}</tr>`,
)}</tbody></table></div>`;
