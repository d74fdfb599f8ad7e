import {
  type ApgdOptions,
  type ApgdTargetedOptions,
  apgd,
  apgdTargeted,
  type FgsmOptions,
  fgsm,
  leastLikely,
  multiTargeted,
  type PaperSuiteOptions,
  type PgdOptions,
  paperSuite,
  pgd,
  randomTargeted,
  type SquareOptions,
  type StandardSuiteOptions,
  square,
  standardSuite,
  type TargetedOptions,
  untargeted,
} from '@llr/attacks';
import {
  type Attack,
  crossEntropy,
  differenceOfLogitsRatio,
  lossObjective,
  margin,
  type Objective,
  targetedDifferenceOfLogitsRatio,
  targetedObjective,
} from '@llr/core';
import { z } from 'zod';
import { count, fields, hasMethod } from '../schema/fields.ts';
import { type Kind, type Load, part } from './kind.ts';
import { ascentFields, ascentOf } from './maximizers.ts';

const restarts = count.optional();
/** What an attack is called, its `name` being which attack it is. */
const as = z.string().min(1).optional();

const untargetedObjectives = {
  'cross-entropy': () => lossObjective(crossEntropy),
  margin: () => lossObjective(margin),
  'difference-of-logits-ratio': () => lossObjective(differenceOfLogitsRatio),
};
const targetedObjectives = {
  margin: () => targetedObjective(),
  'difference-of-logits-ratio': () => targetedObjective(targetedDifferenceOfLogitsRatio),
};

const objective = (known: Readonly<Record<string, () => Objective>>, load: Load) =>
  part<Objective>(
    {
      title: 'an objective',
      shape: 'an object with a name, prepare() and value()',
      is: (value) => hasMethod(value, 'prepare') && hasMethod(value, 'value'),
      plugins: Object.fromEntries(
        Object.entries(known).map(([name, make]) => [name, { options: fields({}), make }]),
      ),
    },
    load,
  ).optional();

/** The attacks that a config can name. */
export function attacks(load: Load): Kind<Attack> {
  const ascent = ascentFields(load);
  type WithoutName<Options> = Record<Exclude<keyof Options, 'name'> | 'as', unknown>;
  const onMargin = { ...ascent, restarts, as };
  const untargetedObjective = objective(untargetedObjectives, load);
  const targeted = fields({
    ...onMargin,
    objective: objective(targetedObjectives, load),
  } satisfies WithoutName<TargetedOptions>);
  const ascending = (make: (options: PgdOptions) => Attack) => (options: Labelled<PgdOptions>) =>
    make(ascentOf(called(options)));
  return {
    title: 'an attack',
    shape: 'an object with a name and a runs() method',
    is: (value) => hasMethod(value, 'runs'),
    plugins: {
      fgsm: {
        make: (options: Labelled<FgsmOptions>) => fgsm(called(options)),
        options: fields({
          steps: count.optional(),
          stepSize: ascent.stepSize.optional(),
          objective: untargetedObjective,
          as,
        } satisfies WithoutName<FgsmOptions>),
      },
      pgd: {
        make: ascending(pgd),
        options: fields({
          ...onMargin,
          objective: untargetedObjective,
        } satisfies WithoutName<PgdOptions>),
      },
      untargeted: { make: ascending(untargeted), options: fields(onMargin) },
      'random-targeted': { make: ascending(randomTargeted), options: targeted },
      'least-likely': { make: ascending(leastLikely), options: targeted },
      'multi-targeted': { make: ascending(multiTargeted), options: targeted },
      apgd: {
        make: (options: Labelled<ApgdOptions>) => apgd(called(options)),
        options: fields({
          objective: z.enum(['cross-entropy', 'dlr']).optional(),
          steps: count.optional(),
          restarts,
          as,
        } satisfies WithoutName<ApgdOptions>),
      },
      'apgd-targeted': {
        make: (options: Labelled<ApgdTargetedOptions>) => apgdTargeted(called(options)),
        options: fields({
          steps: count.optional(),
          targets: count.optional(),
          restarts,
          as,
        } satisfies WithoutName<ApgdTargetedOptions>),
      },
      square: {
        make: (options: Labelled<SquareOptions>) => square(called(options)),
        options: fields({
          queries: count.optional(),
          restarts,
          as,
        } satisfies WithoutName<SquareOptions>),
      },
    },
  };
}

/** Suites, which are several attacks, where an evaluation takes a list of them. */
export function attackLists(load: Load): Kind<Attack | readonly Attack[]> {
  const single = attacks(load);
  return {
    ...single,
    is: (value) =>
      single.is(value) || (Array.isArray(value) && value.length > 0 && value.every(single.is)),
    plugins: {
      ...single.plugins,
      'paper-suite': {
        make: paperSuite,
        options: fields({
          targets: z.enum(['every', 'random']).optional(),
          restarts,
          steps: count.optional(),
        } satisfies Record<keyof PaperSuiteOptions, unknown>),
      },
      'standard-suite': {
        make: standardSuite,
        options: fields({
          steps: count.optional(),
          targets: count.optional(),
          queries: count.optional(),
        } satisfies Record<keyof StandardSuiteOptions, unknown>),
      },
    },
  };
}

type Labelled<Options> = Omit<Options, 'name'> & { as?: string };

const called = <Options extends { as?: string }>({ as: name, ...options }: Options) => ({
  ...options,
  ...(name !== undefined && { name }),
});
