import type { Panel } from '../panels.ts';
import { epsilonText } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportNetwork } from './input.ts';

/** What an attack made of the same images for each network (Figs. F2, F4). Nothing when there are no panels. */
export function adversarialPanels(networks: readonly ReportNetwork[]): Html | undefined {
  const all = networks.filter(({ panels }) => panels && panels.length > 0);
  if (all.length === 0) return undefined;
  return html`<figure><div class="columns">${all.map(
    ({ name, panels }) =>
      html`<div><h3>${name}</h3><ol class="panels">${panels!.map((panel) => drawn(panel, name))}</ol></div>`,
  )}</div>
<figcaption>Each row: a test image, the perturbation that the attack found for this network, and their sum. The perturbation is scaled so that a change of −ε is black, none grey, and +ε white.</figcaption></figure>`;
}

function drawn(panel: Panel, network: string): Html {
  const { index, label, prediction, adversarialPrediction, images } = panel;
  const size = html`width="${panel.width}" height="${panel.height}"`;
  const picture = (uri: string, alternative: string, title: string) =>
    html`<div class="picture"><img src="${uri}" ${size} alt="${alternative}"/><span>${title}</span></div>`;
  return html`<li>${outcome(panel)}
<div class="trio">${picture(images.original, `Image ${index}, ${label}`, `seen as ${prediction}`)}${picture(
    images.perturbation,
    `Perturbation of image ${index} for ${network}, scaled`,
    `change of ±${epsilonText(panel.epsilon)}`,
  )}${picture(images.adversarial, `Image ${index} perturbed, taken for ${adversarialPrediction}`, `seen as ${adversarialPrediction}`)}</div></li>`;
}

function outcome({ index, label, prediction, adversarialPrediction }: Panel): Html {
  const image = html`<b>${label}</b> <span class="muted">image ${index}</span>`;
  if (prediction !== label)
    return html`<p>${image}<span class="outcome broken">✗ wrong before the attack</span></p>`;
  if (adversarialPrediction !== label)
    return html`<p>${image}<span class="outcome broken">✗ broken</span></p>`;
  return html`<p>${image}<span class="outcome held">✓ holds</span></p>`;
}
