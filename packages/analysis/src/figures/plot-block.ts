import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Block } from './block.ts';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/**
 * An Observable Plot as a block, without a style sheet of its own.
 *
 * @param id - different for each plot of a drawing: Plot's own ids count up from call to call
 */
export function plotBlock(
  id: string,
  options: Plot.PlotOptions & { width: number; height: number },
): Block {
  const { width, height } = options;
  const svg = Plot.plot({ document, className: 'plot', ...options });
  svg.querySelector('style')?.remove();
  for (const name of ['style', 'class', 'font-family']) svg.removeAttribute(name);
  svg.setAttribute('font-size', '11');
  return { width, height, svg: svg.outerHTML.replace(/plot-clip-\d+/g, `${id}-clip`) };
}

const colours = ['#b4500b', '#1d5fa8', '#2a7553', '#7a4ba3', '#a52d5f', '#5f6600'];
const dashes = ['none', '6 3', '2 3', '9 3 2 3', '12 4', '1 2'];

/** Networks are told apart by colour and by dashes. */
export const colourOf = (i: number): string => colours[i % colours.length]!;
export const dashOf = (i: number): string => dashes[i % dashes.length]!;

/** What violates an inequality. */
export const alarm = '#c4121a';
