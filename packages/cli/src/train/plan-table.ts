import type { TrainingPlan } from '@llr/train';
import { getBorderCharacters, table } from 'table';

/** What trainings will take on this machine, a row for each network. */
export function planTable(plans: readonly TrainingPlan[]): string {
  const rows = plans.map(({ variant, parameters, steps, measured, predicted }) => [
    variant,
    parameters.toLocaleString('en'),
    steps.toLocaleString('en'),
    duration(measured.step),
    percent(measured.data / (measured.data + measured.step)),
    duration(predicted.validation),
    duration(predicted.seconds),
    `${(predicted.peakBytes / 2 ** 30).toFixed(1)} GiB`,
  ]);
  return tableOf([heading, ...rows]);
}

/** Where the time of a step goes, a row for each network; empty where that wasn't measured. */
export function stagesTable(plans: readonly TrainingPlan[]): string {
  const rows = plans.flatMap(({ variant, measured: { data, stages } }) =>
    stages
      ? [
          [
            variant,
            ...[
              stages.step,
              data,
              stages.nominal,
              stages.search,
              stages.gradients,
              stages.optimizer,
            ].map(duration),
          ],
        ]
      : [],
  );
  return rows.length > 0 ? tableOf([stageHeading, ...rows]) : '';
}

export const tableOf = (rows: readonly (readonly string[])[]): string =>
  table(rows, {
    border: getBorderCharacters('norc'),
    columnDefault: { alignment: 'right' },
    columns: { 0: { alignment: 'left' } },
    drawHorizontalLine: (line, count) => line <= 1 || line === count,
  }).trimEnd();

const stageHeading = [
  'network',
  'a step',
  'wait for data',
  'nominal pass',
  'search',
  'penalties, gradients',
  'optimiser',
];

const heading = [
  'network',
  'parameters',
  'steps',
  'a step',
  'data wait',
  'validations',
  'in all',
  'memory',
];

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** `83 ms`, `1.42 s`, `12 min`, `3 h 05 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toPrecision(3)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
