import type { BoundsReport } from './bounds-report.ts';
import type { LocalLinearityHistogram } from './local-linearity-histogram.ts';
import type { LossSurface } from './loss-surface.ts';

/** A loss surface as CSV, a line for each point: `adversarial,random,loss`, the coordinates in units of ε. */
export function surfaceCsv({ adversarial, random, values }: LossSurface): string {
  const points = random.flatMap((v, i) => adversarial.map((u, j) => [u, v, values[i]![j]!]));
  return csv(['adversarial', 'random', 'loss'], points);
}

/** γ of each image as CSV: `index,gamma,sqrt_gamma`. */
export function gammaCsv({ examples }: LocalLinearityHistogram): string {
  return csv(
    ['index', 'gamma', 'sqrt_gamma'],
    examples.map(({ index, gamma }) => [index, gamma, Math.sqrt(gamma)]),
  );
}

/** Both sides of each inequality as CSV: `proposition,index,perturbation,left,right,slack,holds`. */
export function boundsCsv({ propositions }: BoundsReport): string {
  return csv(
    ['proposition', 'index', 'perturbation', 'left', 'right', 'slack', 'holds'],
    propositions.flatMap(({ name, pairs }) =>
      pairs.map(({ index, perturbation, left, right, slack, holds }) => [
        name,
        index,
        perturbation,
        left,
        right,
        slack,
        String(holds),
      ]),
    ),
  );
}

/** RFC 4180, but for its line ends. */
const csv = (header: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [header, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');

const field = (value: string | number): string => {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
