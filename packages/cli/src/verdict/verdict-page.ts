import { epsilonText, type ObfuscationVerdict, type Reason } from '@llr/analysis';
import type { ThreatDescription } from '@llr/train';
import { getBorderCharacters, type TableUserConfig, table } from 'table';
import { normSign } from '../norm-sign.ts';
import { percent } from '../percent.ts';

/** A verdict as a page of text: the word, the accuracies and curves it rests on, and each check's reason. */
export function verdictPage(
  name: string,
  verdict: ObfuscationVerdict,
  threat: ThreatDescription,
): string {
  const { clean, data, seed, summary } = verdict;
  return [
    `${name}: ${verdict.verdict.toUpperCase()}`,
    summary,
    `${data}, ${clean.total} images, ε = ${epsilonText(threat.epsilon)} (${normSign[threat.norm]}), seed ${seed}`,
    accuracies(verdict),
    'Robust accuracy in %, against',
    curves(verdict),
    statistics(verdict),
    reasons(verdict.reasons),
    'Each attack was tried on all images that are right unperturbed: accuracies are its own. ± is half a 95 % interval.',
  ].join('\n');
}

const border = getBorderCharacters('norc');

const drawn = (rows: string[][], config: TableUserConfig): string =>
  table(rows, { border, ...config }).trimEnd();

function accuracies({ clean, robust, attacks }: ObfuscationVerdict): string {
  const rows = [
    ['clean', '', percent(clean)],
    ...attacks.map(({ name, access, accuracy }) => [name, access, percent(accuracy)]),
    ['worst case', '', percent(robust)],
  ];
  return drawn([['', 'sees', 'accuracy'], ...rows.map(seen)], {
    columns: { 2: { alignment: 'right' } },
    drawHorizontalLine: (line, size) => line <= 2 || line === size - 1 || line === size,
  });
}

const seen = ([name, access, accuracy]: string[]): string[] => [
  name!,
  { 'white-box': 'gradients', 'black-box': 'logits only' }[access!] ?? '',
  accuracy!,
];

function curves({ curves: { steps, restarts, epsilon } }: ObfuscationVerdict): string {
  const lines = (heading: string, points: typeof steps, at: (value: number) => string = String) => [
    [heading, ...points.map((point) => at(point.at))],
    ['', ...points.map(({ accuracy }) => (100 * accuracy.value).toFixed(1))],
  ];
  return [
    lines('steps', steps),
    lines('random starts', restarts),
    lines('ε', epsilon, (at) => epsilonText(at)),
  ]
    .map((rows) =>
      drawn(rows, {
        columnDefault: { alignment: 'right' },
        columns: { 0: { alignment: 'left', width: 13 } },
        drawHorizontalLine: (line, size) => line === 0 || line === size,
      }),
    )
    .join('\n');
}

function statistics({ gamma, noise }: ObfuscationVerdict): string {
  const at = (q: number) => gamma.quantiles.find((one) => one.q === q)!.value.toFixed(2);
  const correlation =
    noise.correlation === null
      ? 'no perturbation to look at'
      : `correlation of neighbouring pixels ${noise.correlation.toFixed(2)} (${noise.images} images; noise has 0)`;
  return [
    `√γ (50 Adam steps): mean ${gamma.mean.toFixed(2)}, median ${at(0.5)}, from ${at(0.05)} (5 %) to ${at(0.95)} (95 %)`,
    `Perturbations: ${correlation}`,
  ].join('\n');
}

function reasons(all: readonly Reason[]): string {
  return drawn(
    all.map((reason) => [mark(reason), reason.check, reason.text]),
    {
      columns: { 2: { width: 84, wrapWord: true } },
      drawHorizontalLine: (line, size) => line === 0 || line === size,
    },
  );
}

const mark = ({ outcome, weight }: Reason): string => {
  if (outcome === 'failed') return weight === 'masked' ? '✗ masked' : `! ${weight}`;
  return outcome === 'passed' ? '✓' : '– not run';
};
