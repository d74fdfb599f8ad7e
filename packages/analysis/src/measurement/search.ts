import {
  adam,
  type Batch,
  type Classifier,
  type Maximizer,
  type Objective,
  projectedAscent,
  type RandomSource,
  type ThreatModel,
  unreadableIndices,
} from '@llr/core';
import { compile, orEagerly } from '@llr/engine';
import { type Tensor1D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';

/** The perturbation that a search found for each image of a batch, and the objective there; the caller's. */
export type Search = (
  batch: Batch,
  random: RandomSource,
) => { perturbation: Tensor4D; value: Tensor1D };

/** As in Fig. F3: 50 Adam steps of 0.1, keeping the best of them. */
export const fiftyAdamSteps = (): Maximizer =>
  projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 50, keep: 'best' });

/** A search of the threat model for what maximises an objective, compiled where that can be. */
export function searchOf(input: {
  classifier: Classifier;
  threat: ThreatModel;
  maximizer: Maximizer;
  objective: Objective;
}): Search & { dispose(): void } {
  const { classifier, threat, maximizer, objective } = input;
  const logits = classifier.freeze('running');
  const { radius, withRadius } = threat;
  const inBall = (ball: ThreatModel, batch: Batch, random: RandomSource) =>
    tidy(() => {
      const problem = { ...batch, logits, threat: ball, random };
      const { perturbation, value } = maximizer.maximize(problem, objective);
      return { perturbation, value };
    });
  const eagerly: Search = (batch, random) => inBall(threat, batch, random);
  if (!withRadius) return Object.assign(eagerly, { dispose: () => {} });
  const compiled = compile(
    (images: Tensor4D, labels: Tensor1D, radius: Tensor1D, random: RandomSource) => {
      const indices = unreadableIndices(images.shape[0]);
      return inBall(withRadius(radius), { images, labels, indices }, random);
    },
    { name: `search for ${objective.name}` },
  );
  // A network or a maximiser of somebody else's may not be compilable: it is only slower then.
  const search = orEagerly<Parameters<Search>, ReturnType<Search>>(
    ({ images, labels }, random) => compiled(images, labels, radius, random),
    eagerly,
    () => {},
  );
  return Object.assign(search, { dispose: () => compiled.dispose() });
}
