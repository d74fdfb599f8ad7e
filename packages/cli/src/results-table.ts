import type { Accuracy, Evaluation } from '@llr/attacks';
import { getBorderCharacters, table } from 'table';
import { percent } from './percent.ts';

/** Accuracies of several networks, as text: clean, under each attack, and in the worst case. */
export function resultsTable(results: readonly { name: string; evaluation: Evaluation }[]): string {
  const attacks = [
    ...new Set(results.flatMap(({ evaluation }) => evaluation.attacks.map((a) => a.name))),
  ];
  const rows = results.map(({ name, evaluation }) => [
    name,
    percent(evaluation.clean),
    ...attacks.map((attack) => shown(evaluation.attacks.find((a) => a.name === attack)?.accuracy)),
    percent(evaluation.robust),
  ]);
  return table([['accuracy', 'clean', ...attacks, 'worst case'], ...rows], {
    border: getBorderCharacters('norc'),
    columnDefault: { alignment: 'right' },
    columns: { 0: { alignment: 'left' } },
    drawHorizontalLine: (line, count) => line <= 1 || line === count,
  }).trimEnd();
}

const shown = (accuracy: Accuracy | undefined): string => (accuracy ? percent(accuracy) : '–');
