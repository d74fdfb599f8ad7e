import { adversarialPanels } from './adversarial-panels.ts';
import { boundsSection } from './bounds-section.ts';
import { contents } from './contents.ts';
import { detailsSection } from './details.ts';
import { doubts } from './doubts.ts';
import { explanation } from './explanation.ts';
import { gammaHistogram } from './gamma-histogram.ts';
import { html } from './html.ts';
import { checkInput, type ReportInput } from './input.ts';
import { lossSurfaces } from './loss-surfaces.ts';
import { page } from './page.ts';
import { summaryTable } from './summary-table.ts';
import { trainingCurves } from './training-curves.ts';
import { verdictSection } from './verdict-section.ts';

/**
 * One self-contained HTML page about some networks: accuracies, the verdict on masked gradients, training curves,
 * loss surfaces, √γ, bounds, attacked images, and how it all came about. It asks the network for nothing, and its
 * one script only turns and zooms what is there without it too; parts that the input lacks are left out. The same
 * input gives the same bytes.
 *
 * @throws Error when there is no network, two have one name, or a number can't be drawn; it says which
 */
export function report(input: ReportInput): string {
  checkInput(input);
  const { title, summary, networks } = input;
  const sections = [
    { id: 'accuracy', name: 'Accuracy', content: summaryTable(networks) },
    { id: 'verdict', name: 'Is the robustness real?', content: verdictSection(networks) },
    { id: 'training', name: 'Training', content: trainingCurves(networks) },
    { id: 'surface', name: 'The loss around an image', content: lossSurfaces(networks) },
    { id: 'gamma', name: 'Local linearity over the test set', content: gammaHistogram(networks) },
    { id: 'bounds', name: 'The bounds of the paper', content: boundsSection(networks) },
    { id: 'panels', name: 'Attacked images', content: adversarialPanels(networks) },
    { id: 'details', name: 'Details', content: detailsSection(input) },
  ].filter(({ content }) => content !== undefined);
  return page(
    title,
    html`<header><h1>${title}</h1>
${summary && html`<p class="lead">${summary}</p>`}
${explanation(networks)}
${doubts(networks)}
${contents(sections)}</header>
${sections.map(
  ({ id, name, content }) =>
    html`<section aria-labelledby="${id}"><h2 id="${id}">${name}</h2>
${content}</section>
`,
)}`,
  );
}
