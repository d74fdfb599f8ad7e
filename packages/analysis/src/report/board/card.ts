import type { Accuracy } from '@llr/attacks';
import { count, number, percent, seconds } from '../format.ts';
import { type Html, html } from '../html.ts';
import { threatText } from '../threat-text.ts';
import { verdictWords } from '../verdict-words.ts';
import type { BoardEntry } from './input.ts';

/** A model card (Mitchell et al. 2019): what the network is, how it was made, how it fares, and what that doesn't say. */
export function card(entry: BoardEntry, id: string): Html {
  const { name, architecture, parameters, training, evaluation, report } = entry;
  const facts = {
    network: architecture,
    ...(parameters !== undefined && { parameters: count(parameters) }),
    ...(training !== undefined && { training }),
    ...(entry.seconds !== undefined && { 'training time': seconds(entry.seconds) }),
    ...(entry.meanSqrtGamma !== undefined && { 'mean √γ': number(entry.meanSqrtGamma) }),
    ...entry.details,
  };
  return html`<article class="card" aria-labelledby="${id}"><h3 id="${id}" tabindex="-1">${name}</h3>
${report && html`<p><a href="${report}">Its report<span class="hidden">: ${name}</span></a></p>`}
<dl>${Object.entries(facts).map(([key, value]) => html`<div><dt>${key}</dt><dd>${value}</dd></div>`)}</dl>
${results(evaluation, name)}
${judgement(entry)}
<p class="hint">Measured on ${evaluation.data} against perturbations of ${threatText(evaluation.threat)}, seed ${evaluation.seed}. This says nothing of other images, of other or larger changes, or of attacks that were not run.</p></article>
`;
}

function results({ clean, attacks, robust }: BoardEntry['evaluation'], name: string): Html {
  const caption = `Accuracy of ${name}`;
  const row = (what: string, { value, interval: [low, high], total }: Accuracy) =>
    html`<tr><th scope="row">${what}</th><td>${percent(value)}</td><td>${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}</td><td>${count(total)}</td></tr>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="plain"><caption>${caption}</caption>
<thead><tr><td></td><th scope="col">correct</th><th scope="col">95 % interval</th><th scope="col">images</th></tr></thead>
<tbody>${row('unperturbed', clean)}${attacks.map((attack) => row(attack.name, attack.accuracy))}${row('worst case', robust)}</tbody></table></div>`;
}

function judgement({ verdict, violations = 0, evaluation: { warnings } }: BoardEntry): Html {
  const known = verdict && verdictWords[verdict.verdict];
  return html`${
    known &&
    html`<p><b class="${known.mood}"><span aria-hidden="true">${known.sign}</span> ${known.words}.</b> ${verdict.summary}</p>`
  }${
    violations > 0 &&
    html`<p><b class="broken">✗ ${count(violations)} images violate a bound that is proven.</b></p>`
  }${
    warnings.length > 0 &&
    html`<ul>${warnings.map(({ message }) => html`<li>${message}</li>`)}</ul>`
  }`;
}
