import type { Named, PlainExperiment } from '../plain/plain-experiment.ts';
import {
  advMethod,
  cureMethod,
  llrMethod,
  type Method,
  nominalMethod,
  tradesMethod,
} from './methods.ts';
import type { Preset, Sources } from './preset.ts';
import { cifar10, imageNet4, imageNet16, type Recipe } from './recipes.ts';

/** A network of the paper, and how it is trained whatever the method. */
interface Network {
  model: Named;
  modelSources: Sources;
  recipe: Recipe;
  /** “WRN-28-8 on CIFAR-10, ε = 8/255” */
  title: string;
}

const wideResNet = (name: string): Network => ({
  model: {
    name,
    activation: 'softplus',
    mean: ['125.3/255', '123/255', '113.9/255'],
    std: ['63/255', '62.1/255', '66.7/255'],
  },
  modelSources: {
    'model.name': name === 'wrn-28-10' ? 'Table A1' : 'F.2',
    'model.activation': 'Table F2',
    'model.mean': "of the authors' published network",
    'model.std': "of the authors' published network",
  },
  recipe: cifar10,
  title: `${name.toUpperCase()} on CIFAR-10, ε = 8/255`,
});

const resNet152 = (recipe: Recipe): Network => ({
  model: {
    name: 'resnet-152',
    activation: 'softplus',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  },
  modelSources: {
    'model.name': 'Table F3',
    'model.activation': 'as on CIFAR-10 (Table F2)',
    'model.mean': "of the authors' published network",
    'model.std': "of the authors' published network",
  },
  recipe,
  title: `ResNet-152 on ImageNet, ε = ${recipe.threat.epsilon}`,
});

const tableF3 = {
  'cifar10-wrn-28-8-llr': 'Table F3: nominal 86.83 %, Untargeted 52.99 %, Multi-Targeted 51.13 %',
  'cifar10-wrn-28-8-gamma': 'Table F3: nominal 84.75 %, Untargeted 50.42 %, Multi-Targeted 49.38 %',
  'imagenet-4-llr': 'Table F3: nominal 72.70 %, Untargeted 47.00 %, Random-Targeted success 0.40 %',
  'imagenet-4-gamma':
    'Table F3: nominal 71.40 %, Untargeted 41.30 %, Random-Targeted success 1.90 %',
  'cifar10-wrn-40-8-llr': 'Table F2: nominal 86.28 %, PGD-50 55.47 %',
} as const satisfies Record<string, string>;

const cureOfAuthors =
  "not in the paper; CURE's authors' λ = 4 and h = 3 of images divided by their σ, here 1/4";
const cureOnImageNet =
  'not in the paper; as on CIFAR-10, h grown with the root of the number of pixels';

/** Each network with the paper's LLR, γ alone, and the baselines by the same recipe. */
const families: Readonly<Record<string, { network: Network; methods: Record<string, Method> }>> = {
  'cifar10-wrn-28-8': {
    network: wideResNet('wrn-28-8'),
    methods: methodsOf({
      llr: { lambda: 4, mu: 2, nominalWeight: 2, steps: 10 },
      mu: "Table F2: the best row's 0.5 is μ/λ",
      beta: { value: 6, place: 'Table F2' },
      cure: cureMethod(1, 0.75, cureOfAuthors),
    }),
  },
  'cifar10-wrn-40-8': {
    network: wideResNet('wrn-40-8'),
    methods: methodsOf({
      llr: { lambda: 4, mu: 3, nominalWeight: 2, steps: 15 },
      mu: 'F.2; Table F2 has μ/λ = 0.75',
      beta: { value: 6, place: 'Table F2' },
      cure: cureMethod(1, 0.75, cureOfAuthors),
    }),
  },
  'imagenet-4': {
    network: resNet152(imageNet4),
    methods: methodsOf({
      llr: { lambda: 3, mu: 6, nominalWeight: 3, steps: 2 },
      mu: 'F.2',
      beta: { value: 6, place: 'not in the paper; as on CIFAR-10' },
      cure: cureMethod(1, 5.25, cureOnImageNet),
      baselines: 'not in the paper; as of LLR (F.2)',
    }),
  },
  'imagenet-16': {
    network: resNet152(imageNet16),
    methods: methodsOf({
      llr: { lambda: 3, mu: 9, nominalWeight: 3, steps: 10 },
      mu: 'F.2',
      beta: { value: 6, place: 'not in the paper; as on CIFAR-10' },
      cure: cureMethod(1, 5.25, cureOnImageNet),
      baselines: 'not in the paper; as of LLR (F.2)',
    }),
  },
};

interface Numbers {
  llr: { lambda: number; mu: number; nominalWeight: number; steps: number };
  mu: string;
  beta: { value: number; place: string };
  cure: Method;
  /** Where the baselines' searches are from. Default F.2, as LLR's. */
  baselines?: string;
}

function methodsOf({ llr, mu, beta, cure, baselines = 'F.2' }: Numbers): Record<string, Method> {
  return {
    nominal: nominalMethod,
    llr: llrMethod(llr, { mu }),
    gamma: llrMethod({ ...llr, mu: 0 }, { mu: 'Table F3: γ alone' }, 'gamma'),
    adv: advMethod(llr.steps, baselines),
    trades: tradesMethod(beta.value, llr.steps, { beta: beta.place, search: baselines }),
    cure,
  };
}

/** The second column is μ/λ: rows of (λ, μ/λ), nominal and PGD-50 accuracy in %. */
const tableF2 = {
  'cifar10-wrn-28-8': {
    steps: 10,
    llr: [
      [4, 0.2, 88.73, 52.38],
      [4, 0.3, 87.64, 52.55],
      [4, 0.5, 86.83, 53.33],
    ],
    trades: [
      [2, 88.49, 48.0],
      [4, 88.63, 50.5],
      [6, 87.4, 50.91],
      [8, 81.9, 46.13],
    ],
  },
  'cifar10-wrn-40-8': {
    steps: 15,
    llr: [
      [3, 0.5, 88.74, 53.26],
      [3, 2, 78.74, 52.2],
      [4, 0.75, 86.28, 55.47],
      [4, 0.85, 83.86, 54.31],
    ],
    trades: [
      [4, 89.01, 51.5],
      [6, 88.12, 52.24],
      [8, 82.59, 46.06],
    ],
  },
} as const;

/** Steps, nominal and Multi-Targeted accuracy in %. */
const tableA1 = [
  [1, 84.42, 0.0],
  [2, 83.67, 0.0],
  [4, 87.7, 45.91],
  [8, 87.2, 46.03],
  [16, 86.78, 46.14],
] as const;

/** Nominal, Untargeted and Multi-Targeted accuracy in %. */
const tableF4 = {
  'ADV-1': [88.45, 0.0, 0.0],
  'ADV-2': [76.63, 0.0, 0.0],
  'LLR-1': [93.03, 1.8, 1.6],
  'LLR-2': [90.46, 46.47, 44.5],
} as const;

const percent = (value: number) => `${value.toFixed(2)} %`;

type Published = { method: Method; published?: string };

/** A preset of one network, trained with one or several methods. */
function presetOf(
  name: string,
  network: Network,
  entries: readonly Published[],
  what: string,
): Preset {
  const { recipe, model, modelSources, title } = network;
  const { sources, data, evaluation, ...rest } = recipe;
  const variants = entries.map(({ method }): [string, { regularizers?: Named[] }] => [
    method.variant,
    method.regularizers.length > 0 ? { regularizers: method.regularizers } : {},
  ]);
  return {
    description: `${title}: ${what}`,
    experiment: {
      name,
      data,
      model,
      ...rest,
      variants: Object.fromEntries(variants),
      evaluation,
    } as PlainExperiment,
    sources: Object.assign({ ...sources, ...modelSources }, ...entries.map(sourcesOf)),
  };
}

const sourcesOf = ({ method, published }: Published): Sources => ({
  ...(published && { [`variants.${method.variant}`]: published }),
  ...Object.fromEntries(
    Object.entries(method.sources).map(([path, place]) => [
      `variants.${method.variant}.regularizers.0.${path}`,
      place,
    ]),
  ),
});

function familyPresets(): [string, Preset][] {
  return Object.entries(families).flatMap(([network, family]) =>
    Object.entries(family.methods).map(([key, method]): [string, Preset] => {
      const name = `${network}-${key}`;
      const published = Object.hasOwn(tableF3, name)
        ? tableF3[name as keyof typeof tableF3]
        : undefined;
      const entry = { method, ...(published && { published }) };
      return [name, presetOf(name, family.network, [entry], method.label)];
    }),
  );
}

function sweepPresets(): [string, Preset][] {
  return Object.entries(tableF2).map(([key, { steps, llr, trades }]) => {
    const name = `${key}-sweep`;
    const entries = [
      ...llr.map(([lambda, ratio, nominal, pgd]) => ({
        method: llrMethod(
          { lambda, mu: lambda * ratio, nominalWeight: 2, steps },
          { lambda: 'Table F2', mu: `Table F2: μ/λ = ${ratio}` },
          `LLR-${lambda}-${ratio}`,
        ),
        published: `Table F2: nominal ${percent(nominal)}, PGD-50 ${percent(pgd)}`,
      })),
      ...trades.map(([beta, nominal, pgd]) => ({
        method: tradesMethod(beta, steps, { beta: 'Table F2' }, `TRADES-${beta}`),
        published: `Table F2: nominal ${percent(nominal)}, PGD-50 ${percent(pgd)}`,
      })),
    ];
    return [name, presetOf(name, families[key]!.network, entries, 'the sweep of Table F2')];
  });
}

function fewStepsPreset(): [string, Preset] {
  const name = 'cifar10-wrn-28-8-few-steps';
  const place = {
    lambda: 'F.2',
    mu: 'not in F.4; as of the network of Table F3 (Table F2: μ/λ = 0.5)',
    steps: 'Table F4',
  };
  const entries = Object.entries(tableF4).map(([variant, [nominal, untargeted, targeted]]) => {
    const steps = Number(variant.at(-1));
    const llr = { lambda: 4, mu: 2, nominalWeight: 2, steps };
    return {
      method: variant.startsWith('LLR')
        ? llrMethod(llr, place, variant)
        : advMethod(steps, place, variant),
      published: `Table F4: nominal ${percent(nominal)}, Untargeted ${percent(untargeted)}, Multi-Targeted ${percent(targeted)}`,
    };
  });
  const { network } = families['cifar10-wrn-28-8']!;
  return [
    name,
    presetOf(name, network, entries, 'one and two inner steps, ADV and LLR (Table F4)'),
  ];
}

function adversarialStepsPreset(): [string, Preset] {
  const name = 'cifar10-wrn-28-10-adv-steps';
  const entries = tableA1.map(([steps, nominal, targeted]) => ({
    method: advMethod(steps, { steps: 'Table A1' }, `ADV-${steps}`),
    published: `Table A1: nominal ${percent(nominal)}, Multi-Targeted ${percent(targeted)}`,
  }));
  const what = 'adversarial training with 1 to 16 steps (Table A1)';
  return [name, presetOf(name, wideResNet('wrn-28-10'), entries, what)];
}

/** The networks of the paper's supplement, by name. */
export const paperPresets: Readonly<Record<string, Preset>> = Object.fromEntries([
  ...familyPresets(),
  fewStepsPreset(),
  adversarialStepsPreset(),
  ...sweepPresets(),
]);
