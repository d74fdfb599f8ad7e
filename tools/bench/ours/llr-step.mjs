import { crossEntropy, linearityError, llr, randomSource } from '@llr/core';
import { compile } from '@llr/engine';
import { createStepper, sgd } from '@llr/train';
import { add, zeros } from '@tensorflow/tfjs-core';
import { writeArrays } from '../safetensors.mjs';
import { arrayOf, cornerOf } from './problem.mjs';
import { maximizerOf, searchFunctions } from './search.mjs';

/** A training step with the Local Linearity Regulariser. */
export function llrStep(problem, precision) {
  const { workload } = problem;
  const { step } = stepperOf(problem, maximizerOf(workload, precision), workload);
  return {
    step: () => step().objective,
    check: (file) =>
      writeArrays(file, { ...searchQuantities(problem), ...stepQuantities(problem) }),
  };
}

/** `step()` runs one training step and returns its metrics; `read()` brings the weights up to date. */
function stepperOf(problem, maximizer, { learningRate, momentum, weightDecay }) {
  const { workload, classifier, images, labels } = problem;
  const { batch, epsilon, linearityWeight, directionalWeight, nominalWeight } = workload;
  const regularizer = llr({
    lambda: linearityWeight,
    mu: directionalWeight,
    nominalWeight,
    maximizer,
  });
  const setup = {
    classifier,
    regularizers: [regularizer],
    optimizer: sgd({ momentum, weightDecay })(classifier.parameters),
    loss: crossEntropy,
    random: randomSource(0),
  };
  const stepper = createStepper(setup, {
    onEager: (reason) => {
      throw reason;
    },
  });
  const indices = Int32Array.from({ length: batch }, (_, i) => i);
  let taken = 0;
  return {
    step: () =>
      stepper.step({
        batch: { images, labels, indices },
        step: taken++,
        epoch: 0,
        epsilon,
        learningRate,
      }),
    read: stepper.read,
  };
}

/** ℓ(x), ℓ(x + δ) and δᵀ∇ₓℓ(x) at the corner, the gradient of g there, and where a search from the start ends. */
function searchQuantities(problem) {
  const { classifier, images, labels, start, corner } = problem;
  const functions = searchFunctions(problem);
  const around = { images, labels, ...functions.linearize(images, labels) };
  const losses = compile(function losses({ images, labels, recorded, loss, gradient }, delta) {
    const { logits } = classifier.forward(add(images, delta), recorded);
    const lossPerturbed = crossEntropy(logits, labels);
    return linearityError({ loss, inputGradient: gradient }, lossPerturbed, delta);
  })(around, corner);
  return {
    loss: arrayOf(losses.loss),
    'loss at x + delta': arrayOf(losses.lossPerturbed),
    'directional derivative': arrayOf(losses.directional),
    'inner gradient': arrayOf(functions.gradientOfError(around, corner)),
    found: arrayOf(functions.maximize(around, start)),
  };
}

/**
 * The objective with δ at the corner and its gradient for every weight, from a training step: its learning rate
 * is so large that the weights become their gradient, to float32's precision.
 */
function stepQuantities(problem) {
  const { workload, classifier } = problem;
  const learningRate = 2 ** 20;
  const before = classifier.parameters.map(({ variable }) => variable.dataSync().slice());
  const { step, read } = stepperOf(problem, toTheCorner(workload), {
    learningRate,
    momentum: 0,
    weightDecay: 0,
  });
  const { objective } = step();
  read();
  const gradients = classifier.parameters.map(({ name, variable }, i) => {
    const after = variable.dataSync();
    const values = before[i].map((value, j) => (value - after[j]) / learningRate);
    return [`gradient ${name}`, { shape: variable.shape, values }];
  });
  return {
    objective: { shape: [1], values: Float32Array.of(objective) },
    ...Object.fromEntries(gradients),
  };
}

/** Instead of a search: as far from the image as the ball allows, as `corner` of the inputs. */
const toTheCorner = ({ epsilon, batch }) => ({
  name: 'corner',
  maximize: ({ images, threat }) => ({
    perturbation: cornerOf(images, threat, epsilon),
    value: zeros([batch]),
  }),
});
