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
import { publishedTables, publishedText } from './published.ts';
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

/** The paper's inner steps on either network of Table F2. */
const sweepSteps = { 'cifar10-wrn-28-8': 10, 'cifar10-wrn-40-8': 15 } as const;

/** The row that tells of a network, of a table of this and other ones. */
const publishedOf = (preset: string): { published?: string } => {
  const { f2, f3 } = publishedTables;
  const row = f3.rows.find((each) => each.preset === preset);
  if (row) return { published: publishedText(f3, row) };
  if (preset !== 'cifar10-wrn-40-8-llr') return {};
  // λ = 4 and μ = 3 of F.2 are this row of the sweep.
  return {
    published: publishedText(f2, f2.rows.find(({ head }) => head[0] === 4 && head[1] === 0.75)!),
  };
};

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
      const entry = { method, ...publishedOf(name) };
      return [name, presetOf(name, family.network, [entry], method.label)];
    }),
  );
}

function sweepPresets(): [string, Preset][] {
  const { f2 } = publishedTables;
  return Object.entries(sweepSteps).map(([key, steps]) => {
    const name = `${key}-sweep`;
    const rows = f2.rows.filter(({ preset }) => preset === name);
    const entries = rows.map((row) => {
      const { variant, head } = row;
      const [weight, ratio] = head as readonly [number, number?];
      const method =
        ratio === undefined
          ? tradesMethod(weight, steps, { beta: f2.place }, variant)
          : llrMethod(
              { lambda: weight, mu: weight * ratio, nominalWeight: 2, steps },
              { lambda: f2.place, mu: `${f2.place}: μ/λ = ${ratio}` },
              variant,
            );
      return { method, published: publishedText(f2, row) };
    });
    return [name, presetOf(name, families[key]!.network, entries, 'the sweep of Table F2')];
  });
}

function fewStepsPreset(): [string, Preset] {
  const name = 'cifar10-wrn-28-8-few-steps';
  const { f4 } = publishedTables;
  const place = {
    lambda: 'F.2',
    mu: 'not in F.4; as of the network of Table F3 (Table F2: μ/λ = 0.5)',
    steps: f4.place,
  };
  const entries = f4.rows.map((row) => {
    const { variant, head } = row;
    const [steps] = head as readonly [number];
    const llr = { lambda: 4, mu: 2, nominalWeight: 2, steps };
    return {
      method: variant.startsWith('LLR')
        ? llrMethod(llr, place, variant)
        : advMethod(steps, place, variant),
      published: publishedText(f4, row),
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
  const { a1 } = publishedTables;
  const entries = a1.rows.map((row) => ({
    method: advMethod(row.head[0]!, { steps: a1.place }, row.variant),
    published: publishedText(a1, row),
  }));
  const what = 'adversarial training with 1 to 16 steps (Table A1)';
  return [name, presetOf(name, wideResNet('wrn-28-10'), entries, what)];
}

function histogramPreset(): [string, Preset] {
  const name = 'cifar10-wrn-28-8-adv-20';
  const method = advMethod(20, { steps: 'Figure F3' }, 'ADV-20');
  const what = 'adversarial training with 20 steps (Figure F3)';
  return [name, presetOf(name, families['cifar10-wrn-28-8']!.network, [{ method }], what)];
}

/** The networks of the paper's supplement, by name. */
export const paperPresets: Readonly<Record<string, Preset>> = Object.fromEntries([
  ...familyPresets(),
  fewStepsPreset(),
  adversarialStepsPreset(),
  histogramPreset(),
  ...sweepPresets(),
]);
