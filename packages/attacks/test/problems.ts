import {
  type Attack,
  type Classifier,
  type Problem,
  type Run,
  randomSource,
  type ThreatModel,
} from '@llr/core';
import { dispose, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import type { Example } from './helpers.ts';

/** Which try of a run it is, if that matters. */
const anyRun: Run = { name: 'restart 0', restart: 0 };

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

/** What an attack returns; of a staged one, after its last stage, with other random numbers in each. */
export async function perturb(attack: Attack, problem: Problem): Promise<Tensor4D> {
  if ('perturb' in attack) return attack.perturb(problem);
  let state = attack.begin(problem);
  for (let stage = 0; stage < attack.stages; stage++) {
    const random = problem.random.fork('stage', stage);
    const next = attack.advance({ ...problem, random }, state);
    dispose(state);
    state = next;
  }
  const { perturbation, ...rest } = state;
  dispose(rest);
  return perturbation as Tensor4D;
}

/** The values of `[b, h, w, c]`, by example. */
export function valuesByExample(tensor: Tensor4D): Float32Array[] {
  const values = tensor.dataSync() as Float32Array;
  const [count] = tensor.shape;
  const length = values.length / count;
  return Array.from({ length: count }, (_, i) => values.slice(i * length, (i + 1) * length));
}

/** The perturbations of a problem, by example. */
export async function perturbationsOf(attack: Attack, problem: Problem): Promise<Float32Array[]> {
  const tensor = await perturb(attack, problem);
  if (tensor.shape.join() !== problem.images.shape.join()) {
    throw new Error(`${attack.name} gave [${tensor.shape}] for [${problem.images.shape}].`);
  }
  const values = valuesByExample(tensor);
  tensor.dispose();
  return values;
}

/** What an attack makes of these examples in one of its runs. */
export async function perturbed(
  attack: Attack,
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
