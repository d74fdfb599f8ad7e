import type { Experiment, ExperimentData, TrainOptions, ValidationOptions } from '../experiment.ts';
import type { ThreatDescription } from '../threat.ts';

/** A name with options: `{ name: 'llr', lambda: 4, mu: 3 }`. */
export interface Named {
  name: string;
  [option: string]: unknown;
}

/** The default export of a module of one's own, relative to the config; a function is called with the options. */
export interface FromModule {
  from: string;
  [option: string]: unknown;
}

/** Something real, or what names it: a name alone where it needs no options, or with them, or a module. */
export type Described<Real> = Real | string | Named | FromModule;

type RealTrain = TrainOptions;
type Real<Field extends keyof RealTrain> = NonNullable<RealTrain[Field]>;

/**
 * An experiment as plain data (JSON, YAML, or an object), any part of which may also be the real thing.
 * Numbers that are measured in pixels may be written as `'8/255'`.
 */
export interface PlainExperiment
  extends Omit<
    Experiment,
    'data' | 'model' | 'loss' | 'threat' | 'train' | 'variants' | 'evaluation'
  > {
  data: Described<ExperimentData>;
  model: Described<Experiment['model']>;
  threat: Omit<ThreatDescription, 'epsilon'> & { epsilon: number | string };
  loss?: Described<NonNullable<Experiment['loss']>>;
  train: Omit<RealTrain, 'learningRate' | 'optimizer' | 'validation' | 'callbacks'> & {
    /** A number, or `{ schedule: 'step-decay', initial, at, factor }` or `{ schedule: 'cosine-decay', initial }`. */
    learningRate:
      | Real<'learningRate'>
      | { schedule: string; [option: string]: unknown }
      | FromModule;
    optimizer?: Described<Real<'optimizer'>>;
    validation?: Omit<ValidationOptions, 'attack'> & {
      attack: Described<ValidationOptions['attack']>;
    };
    callbacks?: readonly (Real<'callbacks'>[number] | FromModule)[];
  };
  variants: Readonly<Record<string, { regularizers?: readonly Described<RealRegularizer>[] }>>;
  evaluation?: Omit<RealEvaluation, 'attacks'> & {
    /** `paper-suite` and `standard-suite` stand for several. */
    attacks: readonly Described<RealEvaluation['attacks'][number]>[];
  };
}

type RealRegularizer = NonNullable<Experiment['variants'][string]['regularizers']>[number];
type RealEvaluation = NonNullable<Experiment['evaluation']>;
