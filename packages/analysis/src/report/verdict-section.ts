import type { CurvePoint, ObfuscationVerdict, Reason } from '../obfuscation/verdict.ts';
import { accuracyCurve } from './accuracy-curve.ts';
import { count, number, percent } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';
import { legend } from './series.ts';
import { threatText } from './threat-text.ts';
import { verdictWords } from './verdict-words.ts';

interface Judged {
  name: string;
  /** Which network it is, for its colour. */
  i: number;
  verdict: ObfuscationVerdict;
}

/** Whether the robustness of each network is real, with the reasons and the curves behind them. Nothing without verdicts. */
export function verdictSection(networks: readonly ReportNetwork[]): Html | undefined {
  const judged = networks.flatMap(({ name, verdict }, i): Judged[] =>
    verdict ? [{ name, i, verdict }] : [],
  );
  if (judged.length === 0) return undefined;
  return html`<div class="columns">${judged.map(judgement)}</div>
${legend(networks.map(({ name }) => name))}
${curves(judged)}
<div class="stack">${attackTable(judged)}
${statisticsTable(judged)}</div>`;
}

const outcomeSigns = {
  passed: { sign: '✓', mood: 'held' },
  failed: { sign: '✗', mood: 'broken' },
  'not run': { sign: '–', mood: 'muted' },
} as const;

/** What failed must not be looked for among what did not. */
const worstFirst = (a: Reason, b: Reason): number => ranks[a.outcome] - ranks[b.outcome];
const ranks = { failed: 0, 'not run': 1, passed: 2 };

function judgement({ name, verdict: { verdict, summary, reasons } }: Judged): Html {
  const { sign, words, mood } = verdictWords[verdict];
  return html`<div class="judgement"><h3>${name}</h3>
<p class="verdict ${mood}"><span aria-hidden="true">${sign}</span> ${words}</p>
<p>${summary}</p>
<ul class="reasons">${[...reasons].sort(worstFirst).map(({ check, outcome, text }) => {
    const shown = outcomeSigns[outcome];
    return html`<li><span class="${shown.mood}" aria-hidden="true">${shown.sign}</span><div><b>${check}</b> <span class="muted">${outcome}</span><br/>${text}</div></li>`;
  })}</ul></div>`;
}

function curves(judged: readonly Judged[]): Html {
  const all = [
    { key: 'steps', name: 'Accuracy by steps', label: 'steps', log: true },
    { key: 'restarts', name: 'Accuracy by restarts', label: 'restarts', log: true },
    { key: 'epsilon', name: 'Accuracy by ε', label: 'ε', log: false },
  ] as const;
  const charts = all.flatMap(({ key, ...chart }) => {
    const series = judged.flatMap(({ name, i, verdict }) => {
      const points: CurvePoint[] = verdict.curves[key];
      return points.length > 0 ? [{ name, i, points }] : [];
    });
    return series.length > 0 ? [accuracyCurve(`verdict-${key}`, { ...chart, series })] : [];
  });
  return html`<figure><div class="charts">${charts}</div>
<figcaption>What is left of the accuracy as the attack is given more steps, more random starts and more room; the bars are 95 % intervals. More steps and more starts should take a little more, and soon nothing more; with enough room nothing may be left. An accuracy that stays up when ε is large, or that falls only to attacks without gradients, was never robustness.</figcaption></figure>`;
}

function attackTable(judged: readonly Judged[]): Html {
  const names = [
    ...new Set(judged.flatMap(({ verdict }) => verdict.attacks.map(({ name }) => name))),
  ];
  const caption = 'Accuracy under each attack alone, with its 95 % interval';
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="plain"><caption>${caption}</caption>
<thead><tr><td></td>${judged.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${[
    row('unperturbed', judged, ({ clean }) => clean),
    ...names.map((name) =>
      row(name, judged, ({ attacks }) => attacks.find((one) => one.name === name)?.accuracy),
    ),
    row('everything tried', judged, ({ robust }) => robust),
  ]}</tbody></table></div>`;
}

function row(
  name: string,
  judged: readonly Judged[],
  accuracyIn: (verdict: ObfuscationVerdict) => ObfuscationVerdict['clean'] | undefined,
): Html {
  return html`<tr><th scope="row">${name}</th>${judged.map(({ verdict }) => {
    const accuracy = accuracyIn(verdict);
    if (!accuracy) return html`<td>not run</td>`;
    const { value, interval, total } = accuracy;
    return html`<td>${percent(value)}<span class="interval">${(100 * interval[0]).toFixed(1)} to ${(100 * interval[1]).toFixed(1)}, n = ${count(total)}</span></td>`;
  })}</tr>`;
}

function statisticsTable(judged: readonly Judged[]): Html {
  const rows: [string, (verdict: ObfuscationVerdict) => string][] = [
    ['attacked with', ({ threat }) => threatText(threat)],
    ['images', ({ clean, data }) => `${count(clean.total)} of ${data}`],
    ['mean √γ', ({ gamma }) => `${number(gamma.mean)} over ${count(gamma.images)} images`],
    [
      'quantiles of √γ',
      ({ gamma }) =>
        gamma.quantiles.map(({ q, value }) => `${percent(q, 0)}: ${number(value)}`).join('; '),
    ],
    [
      'correlation of neighbouring pixels of perturbations',
      ({ noise }) =>
        noise.correlation === null
          ? 'none could be looked at'
          : `${number(noise.correlation)} over ${count(noise.images)} images (0 is noise)`,
    ],
  ];
  const caption = 'What else the verdict rests on';
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="plain"><caption>${caption}</caption>
<thead><tr><td></td>${judged.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(([name, show]) => html`<tr><th scope="row">${name}</th>${judged.map(({ verdict }) => html`<td>${show(verdict)}</td>`)}</tr>`)}</tbody></table></div>`;
}
