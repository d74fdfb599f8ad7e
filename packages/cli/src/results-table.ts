import type { Evaluation } from '@llr/attacks';
import { getBorderCharacters, table } from 'table';

/** Accuracies of several networks, as text: clean, under each attack, and in the worst case. */
export function resultsTable(results: readonly { name: string; evaluation: Evaluation }[]): string {
  const attacks = [
    ...new Set(results.flatMap(({ evaluation }) => evaluation.attacks.map((a) => a.name))),
  ];
  const rows = results.map(({ name, evaluation }) => [
    name,
    percent(evaluation.clean),
    ...attacks.map((attack) =>
      percent(evaluation.attacks.find((a) => a.name === attack)?.accuracy),
    ),
    percent(evaluation.robust),
  ]);
  return table([['accuracy', 'clean', ...attacks, 'worst case'], ...rows], {
    border: getBorderCharacters('norc'),
    columnDefault: { alignment: 'right' },
    columns: { 0: { alignment: 'left' } },
    drawHorizontalLine: (line, count) => line <= 1 || line === count,
  }).trimEnd();
}

const percent = (accuracy: Evaluation['clean'] | undefined): string => {
  if (!accuracy) return '–';
  const [low, high] = accuracy.interval;
  const half = (100 * (high - low)) / 2;
  return `${(100 * accuracy.value).toFixed(1)} % ± ${half.toFixed(1)}`;
};
