import { epsilonText } from '@llr/analysis';
import type { Evaluation } from '@llr/attacks';
import type { ThreatDescription } from '@llr/train';
import { getBorderCharacters, table } from 'table';
import { normSign } from '../norm-sign.ts';
import { percent } from '../percent.ts';

/** An evaluation as text: on what, then accuracies with what each attack did, and the worst case. */
export function evaluationTable(
  name: string,
  evaluation: Evaluation,
  threat: ThreatDescription,
): string {
  const { clean, robust, attacks, data, seed, activeSet } = evaluation;
  const across = activeSet === 'across-attacks';
  const count = (number: number) => number.toLocaleString('en');
  const targeted = attacks.some(({ targetedSuccess }) => targetedSuccess);
  const rows = [
    ['clean', percent(clean), '', count(clean.total - clean.correct), '', ''],
    ...attacks.map(({ name: attack, accuracy, attacked, broken, seconds, targetedSuccess }) => [
      attack,
      percent(accuracy),
      count(attacked),
      count(broken),
      seconds.toFixed(1),
      targetedSuccess ? percent(targetedSuccess) : '',
    ]),
    ['worst case', percent(robust), '', count(clean.correct - robust.correct), '', ''],
  ];
  const heading = ['', 'accuracy', 'attacked', 'broken', 'seconds', 'taken for target'];
  const columns = targeted ? 6 : 5;
  const text = table(
    [heading, ...rows].map((row) => row.slice(0, columns)),
    {
      border: getBorderCharacters('norc'),
      columnDefault: { alignment: 'right' },
      columns: { 0: { alignment: 'left' } },
      drawHorizontalLine: (line, size) =>
        line <= 1 || line === 2 || line === size - 1 || line === size,
    },
  ).trimEnd();
  const [low, high] = robust.interval.map((end) => (100 * end).toFixed(1));
  return [
    `${name}: ${data}, ${count(clean.total)} images, ε = ${epsilonText(threat.epsilon)} (${normSign[threat.norm]}), seed ${seed}`,
    text,
    `Robust accuracy ${(100 * robust.value).toFixed(1)} % (n = ${count(robust.total)}, 95 % interval ${low} to ${high} %): an image counts as right only if no attack breaks it.`,
    across
      ? 'What an attack has broken the next ones do not attack: accuracies are after it and those above it. ± is half a 95 % interval.'
      : 'Each attack was tried on all images that are right unperturbed: accuracies are its own. ± is half a 95 % interval.',
  ].join('\n');
}
