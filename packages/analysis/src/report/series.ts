import { type Html, html } from './html.ts';

// Networks are told apart by colour (defined in the style sheet, for light and dark) and by dashes.
const colours = 6;
const dashes = ['none', '6 3', '2 3', '9 3 2 3', '12 4', '1 2'] as const;

export const seriesColour = (i: number): string => `var(--series-${(i % colours) + 1})`;
/** Sets `--series` to the colour of a network. */
export const seriesClass = (i: number): string => `series-${(i % colours) + 1}`;
export const seriesDash = (i: number): string => dashes[i % dashes.length]!;

/** Which line is which network. */
export const legend = (names: readonly string[]): Html =>
  html`<ul class="legend">${names.map(
    (name, i) =>
      html`<li><svg width="28" height="10" aria-hidden="true"><path d="M1,5H27" fill="none" stroke="${seriesColour(i)}" stroke-width="2.5" stroke-dasharray="${seriesDash(i)}"/></svg>${name}</li>`,
  )}</ul>`;
