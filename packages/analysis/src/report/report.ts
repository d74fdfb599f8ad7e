import { adversarialPanels } from './adversarial-panels.ts';
import { detailsSection } from './details.ts';
import { explanation } from './explanation.ts';
import { gammaHistogram } from './gamma-histogram.ts';
import { Html, html } from './html.ts';
import { checkInput, type ReportInput } from './input.ts';
import { lossSurfaces } from './loss-surfaces.ts';
import { style } from './style.ts';
import { summaryTable } from './summary-table.ts';
import { trainingCurves } from './training-curves.ts';

/**
 * One self-contained HTML page about some networks: accuracies, training curves, loss surfaces, √γ, attacked
 * images, and how it all came about. It has no scripts and asks the network for nothing; parts that the input
 * lacks are left out. The same input gives the same bytes.
 *
 * @throws Error when there is no network, two have one name, or a number can't be drawn; it says which
 */
export function report(input: ReportInput): string {
  checkInput(input);
  const { title, summary, networks } = input;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
<header><h1>${title}</h1>
${summary && html`<p class="lead">${summary}</p>`}
${explanation(networks)}</header>
<section aria-labelledby="accuracy"><h2 id="accuracy">Accuracy</h2>
${summaryTable(networks)}</section>
${trainingCurves(networks)}
${lossSurfaces(input)}
${gammaHistogram(networks)}
${adversarialPanels(networks)}
${detailsSection(input)}
</main>
</body>
</html>
`;
  return page.text;
}
