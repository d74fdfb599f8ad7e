import type { MetricsLine, TrainProgress } from '@llr/train';

/** What steps measure, as the paper writes it, in this order. What isn't here goes by its name, after it. */
const symbols: Readonly<Record<string, string>> = {
  loss: 'loss',
  'linearity error': 'g',
  'directional derivative': '|δᵀ∇ℓ|',
};

/** Shown by another part of the text, or the sum of what is shown. */
const isShownOtherwise = (name: string): boolean =>
  name === 'objective' || name === 'accuracy' || name.startsWith('penalty of ');

/**
 * Where a training is, in a line:
 * `epoch 1.2 | loss 0.513, g 0.0210, |δᵀ∇ℓ| 0.100 | ε 0.050, lr 2.0e-3 | clean 90.0 %, robust 43.0 % | data wait 0 %`.
 *
 * @param validated - the last validation
 */
export function trainingText(
  { epoch, metrics, epsilon, learningRate, dataWait }: TrainProgress,
  validated?: MetricsLine,
): string {
  const names = Object.keys(metrics).filter((name) => !isShownOtherwise(name));
  const first = Object.keys(symbols).filter((name) => names.includes(name));
  const shown = names.length > 0 ? new Set([...first, ...names]) : ['objective'];
  const terms = [...shown].map((name) => `${symbols[name] ?? name} ${rounded(metrics[name])}`);
  const parts = [
    `epoch ${epoch.toFixed(1)}`,
    terms.join(', '),
    `ε ${epsilon.toPrecision(2)}, lr ${learningRate.toExponential(1)}`,
    ...(validated ? [validationText(validated)] : []),
    `data wait ${percent(dataWait, 0)}`,
  ];
  return parts.join(' | ');
}

function validationText(line: MetricsLine): string {
  const robust = line['validation robust accuracy'];
  const clean = percent(line['validation accuracy']!);
  return robust === undefined ? `clean ${clean}` : `clean ${clean}, robust ${percent(robust)}`;
}

const rounded = (value: number | undefined): string => value?.toPrecision(3) ?? '?';
const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
