import * as Plot from '@observablehq/plot';
import type {
  BoundPair,
  BoundPerturbation,
  BoundsReport,
  PropositionReport,
} from '../bounds-report.ts';
import { count, epsilonText, number } from '../report/format.ts';
import { type Block, below, beside, drawing, inRows, line, paragraph } from './block.ts';
import { alarm, colourOf, plotBlock } from './plot-block.ts';

const width = 380;
const perturbations: readonly BoundPerturbation[] = ['adversarial', 'least linear', 'random'];

/**
 * Both sides of each inequality as a drawing: a dot for each image and δ, on logarithmic axes. A bound holds above the
 * line, where the right side is the larger one; violations are marked with the image they are of.
 *
 * @param name - of the network
 * @returns an SVG file
 */
export function boundsFigure(name: string, report: BoundsReport): string {
  const { propositions, examples, threat } = report;
  const violated = propositions.filter(({ violations }) => violations.length > 0);
  const outcome =
    violated.length === 0
      ? `No violation among ${count(examples.length)} images, at three perturbations each.`
      : `VIOLATED: ${violated.map(({ name, violations }) => `${name} for image ${violations.slice(0, 5).join(', ')}${violations.length > 5 ? ` and ${violations.length - 5} more` : ''}`).join('; ')}.`;
  return drawing(
    below([
      line(`Both sides of the bounds: ${name}, ε = ${epsilonText(threat.epsilon)}`, {
        size: 14,
        bold: true,
        width: 2 * width,
      }),
      line(outcome, {
        bold: violated.length > 0,
        ...(violated.length > 0 && { colour: alarm }),
        width: 2 * width,
      }),
      key(),
      inRows(
        propositions.map((proposition, i) => scatter(`bound-${i}`, proposition)),
        2,
      ),
    ]),
    `Scatter plots of both sides of ${propositions.map((one) => one.name).join(', ')} for ${name}. ${outcome}`,
  );
}

/** Which colour is which δ. */
const key = (): Block =>
  beside(
    perturbations.map((perturbation, i) =>
      beside(
        [
          {
            width: 10,
            height: 14,
            svg: `<circle cx="5" cy="8" r="4" fill="${colourOf(i)}"/>`,
          },
          line(`${perturbation} δ`),
        ],
        4,
      ),
    ),
  );

function scatter(
  id: string,
  { name, source, formula, loss, pairs, quantiles }: PropositionReport,
): Block {
  const domain = domainOf(pairs);
  // A logarithmic axis has no 0: it is drawn at the edge.
  const [low, high] = domain;
  const onAxis = (side: number) => Math.min(Math.max(side, low), high);
  const shown = pairs.map((pair) => ({
    ...pair,
    left: onAxis(pair.left),
    right: onAxis(pair.right),
  }));
  const failing = shown.filter(({ holds }) => !holds);
  const [least, median] = [quantiles[0]!, quantiles.find(({ q }) => q === 0.5)!];
  const scale = (label: string) => ({
    type: 'log' as const,
    domain,
    label,
    labelArrow: 'none' as const,
    labelAnchor: 'center' as const,
    ticks: 5,
    tickFormat: (value: number) => number(value),
  });
  const plot = plotBlock(id, {
    width,
    height: width - 20,
    marginLeft: 66,
    marginBottom: 42,
    marginTop: 8,
    marginRight: 26,
    x: scale(`left: ${formula.left}`),
    y: scale(`right: ${formula.right}`),
    marks: [
      Plot.frame({ stroke: '#dfe0db' }),
      Plot.line(
        domain.map((end) => ({ x: end, y: end })),
        { x: 'x', y: 'y', stroke: '#1e2124', strokeDasharray: '4 3' },
      ),
      ...perturbations.map((perturbation, i) =>
        Plot.dot(
          shown.filter((pair) => pair.perturbation === perturbation),
          { x: 'left', y: 'right', r: 1.8, fill: colourOf(i), fillOpacity: 0.55 },
        ),
      ),
      Plot.dot(failing, { x: 'left', y: 'right', r: 6, stroke: alarm, strokeWidth: 2 }),
      Plot.text(failing.slice(0, 5), {
        x: 'left',
        y: 'right',
        text: (pair: BoundPair) => `image ${pair.index}`,
        dy: 14,
        fill: alarm,
        fontWeight: 'bold',
      }),
    ],
  });
  const beyond = pairs.filter(({ left, right }) => Math.min(left, right) < low || right > high);
  return below([
    line(`${name} (${loss})`, { bold: true, width }),
    plot,
    paragraph(
      `${source}. Slack: least ${number(least.value)}, median ${number(median.value)}.${beyond.length > 0 ? ` At the edges: ${count(beyond.length)} beyond them.` : ''}`,
      width,
    ),
  ]);
}

/** Powers of ten around all sides that aren't 0 nor overflow; at most 12 of them. */
function domainOf(pairs: readonly BoundPair[]): [number, number] {
  let [low, high] = [Infinity, 0];
  for (const side of pairs.flatMap(({ left, right }) => [left, right])) {
    if (side > 0) low = Math.min(low, side);
    if (side < 1e30) high = Math.max(high, side);
  }
  if (!(low <= high)) return [0.1, 1];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return [10 ** Math.max(first, last - 12), 10 ** Math.max(last, first + 1)];
}
