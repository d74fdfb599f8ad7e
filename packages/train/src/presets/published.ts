/** What a column of the paper's tables shows. */
export type PublishedColumn =
  | 'nominal'
  | 'PGD-50'
  | 'Untargeted'
  | 'Multi-Targeted'
  | 'Random-Targeted success';

/** A row of a table of the paper's supplement. */
export interface PublishedRow {
  /** The preset, and its network, that trains it. */
  readonly preset: string;
  readonly variant: string;
  /** What the row is headed by: (λ, μ/λ) of LLR, β of TRADES, the number of steps. */
  readonly head: readonly number[];
  /** As printed, in percent: accuracies, and of Random-Targeted the attacker's success rate. */
  readonly values: Readonly<Partial<Record<PublishedColumn, number>>>;
}

/** A table of the paper's supplement. */
export interface PublishedTable {
  /** “Table A1”. */
  readonly place: string;
  readonly rows: readonly PublishedRow[];
}

const stepsOfAdv = (steps: number, nominal: number, targeted: number): PublishedRow => ({
  preset: 'cifar10-wrn-28-10-adv-steps',
  variant: `ADV-${steps}`,
  head: [steps],
  values: { nominal, 'Multi-Targeted': targeted },
});

const ofSweep =
  (preset: string, method: string) =>
  (head: readonly number[], nominal: number, pgd: number): PublishedRow => ({
    preset,
    variant: [method, ...head].join('-'),
    head,
    values: { nominal, 'PGD-50': pgd },
  });

const llr28 = ofSweep('cifar10-wrn-28-8-sweep', 'LLR');
const trades28 = ofSweep('cifar10-wrn-28-8-sweep', 'TRADES');
const llr40 = ofSweep('cifar10-wrn-40-8-sweep', 'LLR');
const trades40 = ofSweep('cifar10-wrn-40-8-sweep', 'TRADES');

const fewSteps = (
  variant: string,
  steps: number,
  nominal: number,
  untargeted: number,
  targeted: number,
): PublishedRow => ({
  preset: 'cifar10-wrn-28-8-few-steps',
  variant,
  head: [steps],
  values: { nominal, Untargeted: untargeted, 'Multi-Targeted': targeted },
});

/** The tables of the paper's supplement, number by number as printed there. */
export const publishedTables = {
  a1: {
    place: 'Table A1',
    rows: [
      stepsOfAdv(1, 84.42, 0.0),
      stepsOfAdv(2, 83.67, 0.0),
      stepsOfAdv(4, 87.7, 45.91),
      stepsOfAdv(8, 87.2, 46.03),
      stepsOfAdv(16, 86.78, 46.14),
    ],
  },
  f2: {
    place: 'Table F2',
    rows: [
      llr28([4, 0.2], 88.73, 52.38),
      llr28([4, 0.3], 87.64, 52.55),
      llr28([4, 0.5], 86.83, 53.33),
      trades28([2], 88.49, 48.0),
      trades28([4], 88.63, 50.5),
      trades28([6], 87.4, 50.91),
      trades28([8], 81.9, 46.13),
      llr40([3, 0.5], 88.74, 53.26),
      llr40([3, 2], 78.74, 52.2),
      llr40([4, 0.75], 86.28, 55.47),
      llr40([4, 0.85], 83.86, 54.31),
      trades40([4], 89.01, 51.5),
      trades40([6], 88.12, 52.24),
      trades40([8], 82.59, 46.06),
    ],
  },
  f3: {
    place: 'Table F3',
    rows: [
      {
        preset: 'cifar10-wrn-28-8-gamma',
        variant: 'gamma',
        head: [],
        values: { nominal: 84.75, Untargeted: 50.42, 'Multi-Targeted': 49.38 },
      },
      {
        preset: 'cifar10-wrn-28-8-llr',
        variant: 'LLR',
        head: [],
        values: { nominal: 86.83, Untargeted: 52.99, 'Multi-Targeted': 51.13 },
      },
      {
        preset: 'imagenet-4-gamma',
        variant: 'gamma',
        head: [],
        values: { nominal: 71.4, Untargeted: 41.3, 'Random-Targeted success': 1.9 },
      },
      {
        preset: 'imagenet-4-llr',
        variant: 'LLR',
        head: [],
        values: { nominal: 72.7, Untargeted: 47.0, 'Random-Targeted success': 0.4 },
      },
    ],
  },
  f4: {
    place: 'Table F4',
    rows: [
      fewSteps('ADV-1', 1, 88.45, 0.0, 0.0),
      fewSteps('ADV-2', 2, 76.63, 0.0, 0.0),
      fewSteps('LLR-1', 1, 93.03, 1.8, 1.6),
      fewSteps('LLR-2', 2, 90.46, 46.47, 44.5),
    ],
  },
} as const satisfies Record<string, PublishedTable>;

/** What a row says: “Table A1: nominal 84.42 %, Multi-Targeted 0.00 %”. */
export const publishedText = ({ place }: PublishedTable, { values }: PublishedRow): string =>
  `${place}: ${Object.entries(values)
    .map(([column, value]) => `${column} ${value.toFixed(2)} %`)
    .join(', ')}`;
