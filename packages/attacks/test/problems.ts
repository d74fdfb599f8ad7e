import {
  type Classifier,
  type Problem,
  type Run,
  randomSource,
  type SimpleAttack,
  type ThreatModel,
} from '@llr/core';
import { dispose, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import type { Example } from './helpers.ts';

/** Which try of a run it is, if that matters. */
export const anyRun: Run = { name: 'restart 0', restart: 0 };

/** The class that a run aims at for each example: by rank, or, where it is drawn at random, any wrong one. */
export function targetsFor(
  { logits, images, labels, indices }: Pick<Problem, 'logits' | 'images' | 'labels' | 'indices'>,
  { target, restart }: Run,
): number[] {
  const ofImages = logits(images);
  const rows = ofImages.arraySync();
  ofImages.dispose();
  const classes = labels.dataSync();
  return rows.map((row, i) => {
    const wrong = [...row.keys()].filter((k) => k !== classes[i]);
    wrong.sort((a, b) => row[b]! - row[a]!);
    const rank = target === 'random' ? (restart + indices[i]!) % wrong.length : target!;
    return wrong[rank]!;
  });
}

/** One batch of examples, all in one run, as an evaluation poses it. */
export function problemOf(
  classifier: Classifier,
  examples: readonly Example[],
  threat: ThreatModel,
  { run = anyRun, seed = 0 }: { run?: Run; seed?: number } = {},
): Problem {
  const indices = Int32Array.from(examples, ({ index }) => index);
  const untargeted = {
    images: tensor4d(
      examples.flatMap(({ image }) => [...image]),
      [examples.length, ...classifier.inputShape],
    ),
    labels: tensor1d(
      examples.map(({ label }) => label),
      'int32',
    ),
    indices,
    threat,
    logits: classifier.freeze('running'),
    random: randomSource(seed).forExamples(
      indices,
      Array.from(indices, () => [run.name]),
    ),
  };
  if (run.target === undefined) return untargeted;
  return { ...untargeted, targets: tensor1d(targetsFor(untargeted, run), 'int32') };
}

/** Frees a problem's own tensors; the radius is the threat model's. */
export const disposeProblem = ({ images, labels, targets }: Problem): void =>
  dispose([images, labels, ...(targets ? [targets] : [])]);

/** The perturbations of a problem, by example. */
export async function perturbationsOf(
  attack: SimpleAttack,
  problem: Problem,
): Promise<Float32Array[]> {
  const tensor: Tensor4D = await attack.perturb(problem);
  if (tensor.shape.join() !== problem.images.shape.join()) {
    throw new Error(`${attack.name} gave [${tensor.shape}] for [${problem.images.shape}].`);
  }
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  const length = values.length / problem.images.shape[0];
  return Array.from(problem.indices, (_, i) => values.slice(i * length, (i + 1) * length));
}

/** What an attack makes of these examples in one of its runs. */
export async function perturbed(
  attack: SimpleAttack,
  classifier: Classifier,
  examples: readonly Example[],
  threat: ThreatModel,
  options: { run?: Run; seed?: number } = {},
): Promise<Float32Array[]> {
  const problem = problemOf(classifier, examples, threat, options);
  try {
    return await perturbationsOf(attack, problem);
  } finally {
    disposeProblem(problem);
  }
}
