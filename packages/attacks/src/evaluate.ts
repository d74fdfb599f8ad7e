import type { Attack } from '@llr/core';
import { type Accuracy, accuracyOf } from './accuracy.ts';
import { attackExamples } from './attack-examples.ts';
import { correctRows, type EvaluationOptions, inSetting, type Setting } from './setting.ts';

/** One attack's result. */
export interface AttackResult {
  name: string;
  /** Over all examples: correct when unperturbed and under every run of this attack. */
  accuracy: Accuracy;
  /** How many tries each example got, until it was broken. */
  runs: number;
  /** Wall time. */
  seconds: number;
}

/** What became of one example. */
export interface ExampleResult {
  /** Which example of the source. */
  index: number;
  label: number;
  /** The class predicted for the unperturbed image. */
  prediction: number;
  /** The first attack that broke it; `'clean'` where the unperturbed image is misclassified; null where it is robust. */
  brokenBy: string | null;
}

/** How robust a classifier is. Plain data: survives JSON. */
export interface Evaluation {
  threat: { name: string; epsilon: number };
  seed: number;
  clean: Accuracy;
  /** The point-wise worst case: correct when unperturbed and under every run of every attack. */
  robust: Accuracy;
  attacks: AttackResult[];
  /** In the source's order. */
  examples: ExampleResult[];
}

/**
 * Attacks a classifier on every image of a source. An attack breaks an example if the prediction for x + δ differs from
 * the label in any of its runs; the loss plays no part in that. A misclassified example counts as wrong under every attack,
 * and isn't attacked.
 *
 * Each attack's random numbers depend on the seed, its name, and the example's index alone: more restarts only add tries.
 *
 * @param options.attacks - with names of their own; each attacks all examples, whatever the ones before it broke
 * @throws RangeError for a bad seed or batch size
 * @throws Error when data, classifier and threat model don't fit together, when logits are NaN, or when an attack returns
 *   NaN or a perturbation that the threat model doesn't allow
 */
export async function evaluate(
  options: EvaluationOptions & { attacks: readonly Attack[] },
): Promise<Evaluation> {
  assertNames(options.attacks);
  return inSetting(options, (setting) => attackAll(setting, options.attacks, options.seed));
}

async function attackAll(
  setting: Setting,
  attacks: readonly Attack[],
  seed: number,
): Promise<Evaluation> {
  const { examples, predictions, threat, epsilon } = setting;
  const correct = correctRows(setting);
  const brokenBy: (string | null)[] = Array.from({ length: examples.count }, () => 'clean');
  for (const row of correct) brokenBy[row] = null;
  const results: AttackResult[] = [];
  for (const attack of attacks) {
    const started = performance.now();
    const { survivors, runs } = await attackExamples(setting, attack);
    const robust = new Set(survivors);
    for (const row of correct) if (!robust.has(row)) brokenBy[row] ??= attack.name;
    results.push({
      name: attack.name,
      accuracy: accuracyOf(survivors.length, examples.count),
      runs,
      seconds: (performance.now() - started) / 1000,
    });
  }
  return {
    threat: { name: threat.name, epsilon },
    seed,
    clean: accuracyOf(correct.length, examples.count),
    robust: accuracyOf(brokenBy.filter((by) => by === null).length, examples.count),
    attacks: results,
    examples: brokenBy.map((by, row) => ({
      index: examples.indices[row]!,
      label: examples.labels[row]!,
      prediction: predictions[row]!,
      brokenBy: by,
    })),
  };
}

function assertNames(attacks: readonly Attack[]): void {
  const names = attacks.map(({ name }) => name);
  for (const name of names) {
    if (name === '' || name === 'clean') {
      throw new Error(`An attack can't be called "${name}": give it another name.`);
    }
    if (names.indexOf(name) !== names.lastIndexOf(name)) {
      throw new Error(
        `Two attacks are called "${name}": give one another name, by its option name.`,
      );
    }
  }
}
