import type { Naming } from './naming.ts';
import { namings } from './namings/index.ts';
import { ownNaming } from './namings/own.ts';
import type { StoredTensor } from './safetensors-header.ts';

type Tensors = ReadonlyMap<string, StoredTensor>;

/** What a file of weights holds, by its names alone. */
export interface FileContents {
  readonly naming: Naming;
  /** Under this package's names. */
  readonly weights: Tensors;
  /** Buffers of the data's mean and standard deviation, which some code keeps beside the weights. */
  readonly normalization: readonly {
    readonly part: 'mean' | 'std';
    readonly tensor: StoredTensor;
  }[];
  /** Neither of these. */
  readonly strangers: readonly StoredTensor[];
  /** The name that a variable has, or would have, in this file. */
  fileName(own: string): string;
}

/**
 * Recognises whose names a file has: those that most of its tensors fit.
 *
 * @param variables - the network's own names
 */
export function fileContents(tensors: Tensors, variables: readonly string[]): FileContents {
  const found = variables.filter((name) => tensors.has(name)).length;
  const foreign = namings.map((naming) => contentsUnder(naming, tensors));
  const best = foreign.reduce((a, b) => (b.weights.size > a.weights.size ? b : a));
  const isForeign = best.weights.size > found && best.weights.size > best.strangers.length;
  return isForeign ? best : ownContents(tensors);
}

/** Whatever has an unknown name is under its own, so that it is listed as extra. */
const ownContents = (tensors: Tensors): FileContents => ({
  naming: ownNaming,
  weights: tensors,
  normalization: [],
  strangers: [],
  fileName: (own) => own,
});

/** What DataParallel, compilers, nn.Sequential and other wrappers of a network put before its names. */
const wrappers = /^(?:(?:module|model|_orig_mod|timm_model|\d+)\.)*/;

/** As RobustBench (`normalize.mean`, `mu`), DeepMind (`mean`) and Madry (`normalizer.new_mean`) have it. */
const normalizationBuffer = /^(?:normaliz(?:e|er|ation)\.)?(?:new_)?(?:(mean|mu)|(?:std|sigma))$/;

function contentsUnder(naming: Naming, tensors: Tensors): FileContents {
  const named = [...tensors.values()].map((tensor) => {
    const prefix = wrappers.exec(tensor.name)![0];
    return { tensor, prefix, name: tensor.name.slice(prefix.length) };
  });
  const prefix = mostFrequent(
    named.flatMap(({ prefix, name }) => (naming.ownName(name) ? [prefix] : [])),
  );
  const weights = new Map<string, StoredTensor>();
  const normalization: { part: 'mean' | 'std'; tensor: StoredTensor }[] = [];
  const strangers: StoredTensor[] = [];
  for (const { tensor, prefix: own, name } of named) {
    const variable = own === prefix ? naming.ownName(name) : undefined;
    const buffer = normalizationBuffer.exec(name);
    if (variable) weights.set(variable, tensor);
    else if (buffer) normalization.push({ part: buffer[1] ? 'mean' : 'std', tensor });
    // Madry's attacker holds the same network once more.
    else if (!naming.unused(name) && !name.startsWith('attacker.')) strangers.push(tensor);
  }
  const fileName = (own: string) => `${prefix}${naming.theirName(own) ?? own}`;
  return { naming, weights, normalization, strangers, fileName };
}

function mostFrequent(prefixes: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const prefix of prefixes) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? '';
}
