import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { escapeHtml, Html } from './html.ts';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** The width every chart is drawn for: that of a phone, so that its text is never scaled down there. */
export const chartWidth = 360;

/**
 * An Observable Plot drawn to SVG, as one image with a text alternative.
 *
 * @param id - different for each chart of a page: Plot's own ids count up from call to call
 * @param alternative - what the chart shows, in words, for those who can't see it
 * @param kind - a class of the style sheet, beside that of all charts
 */
export function chart(id: string, options: Plot.PlotOptions, alternative: string, kind = ''): Html {
  const svg = Plot.plot({
    document,
    width: chartWidth,
    className: 'chart',
    style: { fontSize: '11px' },
    ...options,
  });
  // The page has its own style sheet, and this one would come again with every chart.
  svg.querySelector('style')?.remove();
  svg.removeAttribute('style');
  svg.setAttribute('font-size', '11');
  svg.setAttribute('class', `chart ${kind}`.trim());
  // Plot names its marks by aria-label, where ARIA allows none: the whole is one image.
  for (const mark of svg.querySelectorAll('[aria-label]')) {
    mark.setAttribute('data-mark', mark.getAttribute('aria-label')!);
    mark.removeAttribute('aria-label');
  }
  for (const dot of svg.querySelectorAll('circle')) {
    for (const name of ['cx', 'cy']) dot.setAttribute(name, shortened(dot.getAttribute(name)!));
  }
  const drawn = svg.outerHTML.replace(/plot-clip-\d+/g, `${id}-clip`).replace(/^<svg/, '');
  return new Html(`<svg role="img" aria-label="${escapeHtml(alternative)}"${drawn}`);
}

/** A tenth of a pixel can't be seen, and there may be thousands of dots. */
const shortened = (length: string): string => String(Math.round(10 * Number(length)) / 10);
