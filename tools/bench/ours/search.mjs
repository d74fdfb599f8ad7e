import {
  crossEntropy,
  linearityError,
  linearize,
  linfBall,
  localLinearityObjective,
  projectedAscent,
  randomSource,
  sign,
} from '@llr/core';
import { compile, inputGradient, withConvolutionPrecision } from '@llr/engine';
import { add, mul, sign as signOf } from '@tensorflow/tfjs-core';

/** The search of the workload. */
export const maximizerOf = ({ steps, stepSize }, precision) =>
  projectedAscent({ optimizer: sign(), stepSize, steps, precision });

/**
 * The pieces of a search as compiled functions. They share what stays the same during it, `around`: images,
 * labels, and from one pass over them ℓ(x), ∇ₓℓ(x) and the statistics.
 */
export function searchFunctions({ workload, classifier }, precision = 'float32') {
  const { epsilon, stepSize, batch } = workload;
  const maximizer = maximizerOf(workload, precision);
  const gradientOfError = ({ images, labels, recorded, loss, gradient }, perturbation) => {
    const logits = classifier.freeze(recorded);
    const error = (delta) => {
      const lossPerturbed = crossEntropy(logits(add(images, delta)), labels);
      return {
        value: linearityError({ loss, inputGradient: gradient }, lossPerturbed, delta).error,
      };
    };
    return inputGradient(error, perturbation).gradient;
  };
  return {
    linearize: compile(function linearized(images, labels) {
      const { recorded } = classifier.forward(images, 'batch');
      const around = linearize((at) => classifier.forward(at, recorded).logits, images, labels);
      return { loss: around.loss, gradient: around.inputGradient, recorded };
    }),
    gradientOfError: compile(gradientOfError),
    step: compile(function searchStep(around, perturbation) {
      const gradient = withConvolutionPrecision(precision, () =>
        gradientOfError(around, perturbation),
      );
      const moved = add(perturbation, mul(signOf(gradient), stepSize));
      return linfBall(epsilon).project(moved, around.images);
    }),
    maximize: compile(function search({ images, labels, recorded, loss, gradient }, start) {
      const problem = {
        images,
        labels,
        start,
        indices: Int32Array.from({ length: batch }, (_, i) => i),
        logits: classifier.freeze(recorded),
        threat: linfBall(epsilon),
        random: randomSource(0),
      };
      const objective = localLinearityObjective({ around: { loss, inputGradient: gradient } });
      return maximizer.maximize(problem, objective).perturbation;
    }),
  };
}
