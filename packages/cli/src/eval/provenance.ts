import type { Attack, Classifier, ImageSource } from '@llr/core';
import { type ThreatDescription, version } from '@llr/train';
import type { Range } from './ranges.ts';

/**
 * What an evaluation was made of: all that its numbers depend on. It heads the journal, so that no other evaluation
 * goes on with it, and stands in the result, so that shards of one evaluation are known from others.
 */
export interface Provenance {
  format: 1;
  llr: string;
  engine: string;
  classifier: string;
  /** SHA-256 of each file the network was read from, by its name; of a network without files, of its arrays. */
  weights: Readonly<Record<string, string>>;
  data: { name: string; split: string; size: number };
  /** Which of the first `of` images were evaluated: from each range's begin up to its end, the end not included. */
  examples: { of: number; ranges: readonly Range[] };
  threat: ThreatDescription;
  seed: number;
  batchSize: number;
  activeSet: 'across-attacks' | 'within-attack';
  targetedSuccess: boolean;
  attacks: readonly { name: string; runs: number; settings: unknown }[];
  /** SHA-256 of the file with the user's own attacks. */
  attackFile: string | null;
}

/** What the command line knows of an evaluation before it begins. */
export interface ProvenanceInput
  extends Pick<
    Provenance,
    | 'engine'
    | 'weights'
    | 'examples'
    | 'threat'
    | 'seed'
    | 'batchSize'
    | 'activeSet'
    | 'targetedSuccess'
    | 'attackFile'
  > {
  classifier: Classifier;
  /** The whole split. */
  test: ImageSource;
  attacks: readonly Attack[];
}

export function provenanceOf(input: ProvenanceInput): Provenance {
  const { classifier, test, attacks } = input;
  return {
    format: 1,
    llr: version,
    engine: input.engine,
    classifier: classifier.name,
    weights: input.weights,
    data: { name: test.name, split: test.split, size: test.size },
    examples: input.examples,
    threat: input.threat,
    seed: input.seed,
    batchSize: input.batchSize,
    activeSet: input.activeSet,
    targetedSuccess: input.targetedSuccess,
    attacks: attacks.map((attack) => ({
      name: attack.name,
      runs: attack.runs(classifier).length,
      settings: plain(attack.settings),
    })),
    attackFile: input.attackFile,
  };
}

/** The images evaluated: "cifar10, test", or of a part "cifar10, test[0:1000]". */
export function dataInWords({
  data: { name, split, size },
  examples,
}: Pick<Provenance, 'data' | 'examples'>): string {
  const parts = examples.ranges.map(([begin, end]) =>
    begin === 0 && end === size ? '' : `[${begin}:${end}]`,
  );
  return `${name}, ${split}${parts.join('+')}`;
}

/** As it comes back from JSON. */
const plain = (settings: unknown): unknown =>
  settings === undefined ? null : (JSON.parse(JSON.stringify(settings)) as unknown);

/** A field in which two differ, and its two values. */
export interface Difference {
  field: string;
  first: unknown;
  second: unknown;
}

/** The first field in which two plain values differ, by its path: `threat.epsilon`. */
export function firstDifference(
  first: unknown,
  second: unknown,
  field = '',
): Difference | undefined {
  if (!isObject(first) || !isObject(second)) {
    return Object.is(first, second) ? undefined : { field, first, second };
  }
  for (const key of new Set([...Object.keys(first), ...Object.keys(second)])) {
    const inside = field === '' ? key : `${field}.${key}`;
    const found = firstDifference(first[key], second[key], inside);
    if (found) return found;
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** The options that say what a field is. */
const optionOf: Record<string, string> = {
  'threat.epsilon': '--epsilon',
  'threat.norm': '--norm',
  'examples.of': '--examples',
  'examples.ranges': '--shard',
  data: '--data',
  seed: '--seed',
  batchSize: '--batch-size',
  engine: '--engine',
  activeSet: '--separately',
  targetedSuccess: '--targeted-success',
  attacks: '--suite, --attacks, --steps, --restarts',
  attackFile: '--attack-file',
  'search.steps': '--steps',
  'search.stepSize': '--step-size',
};

/** "threat.epsilon (--epsilon)". */
export function fieldInWords(field: string): string {
  const known = Object.keys(optionOf).find((of) => field === of || field.startsWith(`${of}.`));
  return known ? `${field} (${optionOf[known]})` : field;
}

/** A value in an error, cut short. */
export function inWords(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
