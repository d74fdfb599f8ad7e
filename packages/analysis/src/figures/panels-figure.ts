import type { Panel } from '../panels.ts';
import { epsilonText } from '../report/format.ts';
import { type Block, below, beside, drawing, inRows, line, paragraph } from './block.ts';
import { alarm } from './plot-block.ts';

/** Attacked images and the network's name. */
export interface NamedPanels {
  name: string;
  panels: readonly Panel[];
}

/** Of an image as drawn. */
const side = 112;

/**
 * Attacked images as a contact sheet (Figs. F2, F4): for each the original, the adversarial image and the perturbation
 * scaled so that −ε is black, none mid-grey and ε white, with its label and both predictions.
 *
 * @param columns - how many images in a row
 * @returns an SVG file
 * @throws RangeError when there is no panel
 */
export function panelsFigure(networks: readonly NamedPanels[], columns = 2): string {
  const first = networks.flatMap(({ panels }) => panels)[0];
  if (!first) throw new RangeError('A contact sheet needs at least one image.');
  const sections = networks.map(({ name, panels }) =>
    below([
      line(`${name}, perturbation ±${epsilonText(panels[0]?.epsilon ?? first.epsilon)}`, {
        size: 14,
        bold: true,
        width: columns * (3 * side + 8),
      }),
      inRows(panels.map(drawn), columns, 16),
    ]),
  );
  const words = networks.flatMap(({ name, panels }) =>
    panels.map(
      ({ index, label, adversarialPrediction }) =>
        `${name}, image ${index}: ${label}, attacked ${adversarialPrediction}`,
    ),
  );
  const legend = paragraph(
    'Original, adversarial image, and perturbation (−ε black, none grey, +ε white), with the predictions under them; a wrong one is red.',
    columns * (3 * side + 8),
  );
  return drawing(below([...sections, legend], 20), `Attacked images. ${words.join('; ')}.`);
}

function drawn(panel: Panel): Block {
  const { index, label, prediction, adversarialPrediction, images } = panel;
  const width = 3 * side + 8;
  const fooled = adversarialPrediction !== label;
  return below(
    [
      line(`image ${index}, label: ${label}`, { width, size: 11 }),
      beside(
        [images.original, images.adversarial, images.perturbation].map((uri) =>
          picture(uri, panel),
        ),
        4,
      ),
      beside(
        [
          line(prediction, {
            width: side,
            size: 11,
            ...(prediction !== label && { colour: alarm }),
          }),
          line(adversarialPrediction, { width: side, size: 11, ...(fooled && { colour: alarm }) }),
        ].map((text) => ({ ...text, width: side })),
        4,
      ),
    ],
    4,
  );
}

function picture(uri: string, { width, height }: Panel): Block {
  const scale = side / Math.max(width, height);
  // Small images are shown as they are, in squares; large ones are made smaller smoothly.
  const rendering = scale > 1 ? ' image-rendering="optimizeSpeed"' : '';
  return {
    width: side,
    height: side,
    svg: `<image href="${uri}" width="${width * scale}" height="${height * scale}"${rendering}/>`,
  };
}
