import { type PlainExperiment, presetNamed, type Scale, withOverrides } from '@llr/train';

/** A network of the paper: a preset, and which of its variants. */
export interface NetworkChoice {
  readonly preset: string;
  readonly variant: string;
}

/** What the command line changes about every network. */
export interface Recipe {
  scale: Scale;
  seed: number;
  data?: string | undefined;
  /** `train.epochs=2`, as of `withOverrides`. */
  set: readonly string[];
}

/** A network to be trained. */
export interface Network extends NetworkChoice {
  /** Names its folder; networks that are made alike share it. */
  readonly id: string;
  /** The preset with this variant alone. */
  readonly experiment: PlainExperiment;
}

/**
 * Gives networks by choice. Those of several tables that are trained alike are one network, which goes by the name of
 * the first.
 *
 * @param all - every choice there is, in a fixed order, so that names don't depend on what is asked for
 */
export function networksOf(
  all: readonly NetworkChoice[],
  recipe: Recipe,
): (choice: NetworkChoice) => Network {
  const networks = new Map<string, Network>();
  const made = (choice: NetworkChoice) => {
    const experiment = experimentOf(choice, recipe);
    const network = { ...choice, id: `${choice.preset}-${choice.variant}`, experiment };
    return { network, key: keyOf(experiment) };
  };
  for (const choice of all) {
    const { network, key } = made(choice);
    if (!networks.has(key)) networks.set(key, network);
  }
  return (choice) => {
    const { network, key } = made(choice);
    return networks.get(key) ?? network;
  };
}

function experimentOf({ preset, variant }: NetworkChoice, recipe: Recipe): PlainExperiment {
  const { experiment } = presetNamed(preset, recipe.scale);
  const chosen = experiment.variants[variant];
  if (!chosen) throw new Error(`The preset ${preset} has no network ${variant}.`);
  const { data, seed, set } = recipe;
  return withOverrides(
    {
      ...experiment,
      seed,
      ...(data !== undefined && { data }),
      variants: { [variant]: chosen },
    },
    set,
  );
}

/** All that training depends on, as text. */
function keyOf({ name: _, evaluation: __, variants, ...rest }: PlainExperiment): string {
  return JSON.stringify([rest, ...Object.values(variants)]);
}
