import { writeArrays } from '../safetensors.mjs';
import { arrayOf } from './problem.mjs';
import { searchFunctions } from './search.mjs';

/** One step of the search. */
export function pgdStep(problem, precision) {
  const { images, labels, start, corner } = problem;
  const functions = searchFunctions(problem, precision);
  const around = { images, labels, ...functions.linearize(images, labels) };
  let perturbation = start;
  return {
    step: () => {
      const before = perturbation;
      perturbation = functions.step(around, before);
      if (before !== start) before.dispose();
      return perturbation.dataSync()[0];
    },
    check: (file) =>
      writeArrays(file, {
        loss: arrayOf(around.loss),
        'input gradient': arrayOf(around.gradient),
        'inner gradient': arrayOf(functions.gradientOfError(around, corner)),
        found: arrayOf(functions.step(around, start)),
      }),
  };
}
