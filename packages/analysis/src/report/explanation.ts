import type { Evaluation } from '@llr/attacks';
import { count, epsilonText, list, percent, points } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';

/** What came out, in plain words with this run's numbers. The first network is what the others are compared with. */
export function explanation(networks: readonly ReportNetwork[]): Html {
  const [first, ...others] = networks as [ReportNetwork, ...ReportNetwork[]];
  const subject =
    networks.length === 1 ? 'This network was' : `${capital(words[networks.length])} networks were`;
  const settings = new Set(networks.map(({ evaluation }) => setting(evaluation)));
  const comparable = settings.size === 1;
  const may = comparable
    ? threat(first.evaluation)
    : list(networks.map(({ name, evaluation }) => `for ${name} ${threat(evaluation)}`));
  const results =
    comparable && others.length > 0
      ? others.map((other) => compared(first, other))
      : networks.map(alone);
  const images = comparable ? `${count(first.evaluation.clean.total)} images` : 'images';
  return html`<p class="lead">${subject} tested on ${images}, as they are and with the worst perturbation that each attack could find: ${may}. ${results.join(' ')}</p>`;
}

/** What must be the same for two networks' numbers to be set against one another. */
const setting = ({ threat, attacks, clean }: Evaluation): string =>
  JSON.stringify([threat, attacks.map(({ name }) => name), clean.total]);

function alone({ name, evaluation }: ReportNetwork): string {
  const { clean, robust } = evaluation;
  return `${against(evaluation)}, ${name} keeps ${percent(robust.value)} of the images right; unperturbed, ${percent(clean.value)}.`;
}

function compared(first: ReportNetwork, { name, evaluation }: ReportNetwork): string {
  const [clean, firstClean] = [evaluation.clean.value, first.evaluation.clean.value];
  const robust = `${against(evaluation)}, ${name} keeps ${percent(evaluation.robust.value)} of the images right, ${first.name} ${percent(first.evaluation.robust.value)}`;
  if (clean === firstClean) return `${robust}; unperturbed, both keep ${percent(clean)}.`;
  const which = clean < firstClean ? 'worse' : 'better';
  return `${robust}; unperturbed, ${name} is ${points(clean - firstClean)} ${which} (${percent(clean)} against ${percent(firstClean)}).`;
}

function against({ attacks }: Evaluation): string {
  const names = attacks.map(({ name }) => name);
  if (names.length === 0) return 'Without any attack';
  if (names.length === 1) return `Against ${names[0]}`;
  return `Against whichever of ${list(names)} is the strongest on each image`;
}

function threat({ threat: { name, epsilon } }: Evaluation): string {
  const size = epsilon === 'per example' ? 'an ε of its own' : `ε = ${epsilonText(epsilon)}`;
  if (name === 'linf')
    return `every pixel may change by at most ${size}, where 0 is black and 1 is white`;
  if (name === 'l2')
    return `its Euclidean length may be at most ${size}, where 0 is black and 1 is white`;
  return `threat model ${name}, ${size}`;
}

const words = ['No', 'One', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const capital = (text: string | undefined): string =>
  text ? text[0]!.toUpperCase() + text.slice(1) : 'Several';
