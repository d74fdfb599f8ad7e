import { engine, type Tensor } from '@tensorflow/tfjs-core';

type Save = (tensors: Tensor[]) => void;
type CustomGradient = (...inputsAndSave: (Tensor | Save)[]) => {
  value: Tensor;
  gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor | Tensor[];
};

interface CustomGradients {
  state: { gradientDepth: number; kernelDepth: number; activeScope: { name: string } | null };
  customGrad(f: CustomGradient): (...inputs: Tensor[]) => Tensor;
}

const guarded = Symbol.for('llr.custom-gradient-guard');

/**
 * Refuses, inside a nested gradient, a custom gradient that saves a tensor made inside its own forward
 * pass: the tape doesn't know where that tensor came from, so the second derivative would silently miss
 * it (`tf.losses.softmaxCrossEntropy` is wrong by 20–70 % that way).
 */
export function guardCustomGradients(): void {
  const customGradients = engine() as unknown as CustomGradients & { [guarded]?: true };
  if (customGradients[guarded]) return;
  const customGrad = customGradients.customGrad.bind(customGradients);
  customGradients.customGrad =
    (f) =>
    (...inputs) => {
      const { state } = customGradients;
      const nested = state.gradientDepth > 1 && state.kernelDepth === 0;
      if (!nested) return customGrad(f)(...inputs);
      const name = nameOf(state.activeScope, f);
      return customGrad((...inputsAndSave) => {
        const save = inputsAndSave.at(-1) as Save;
        let saved: Tensor[] = [];
        const found = f(...inputsAndSave.slice(0, -1), (tensors) => {
          saved = tensors;
          save(tensors);
        });
        const known = new Set([found.value.id, ...inputs.map((input) => input.id)]);
        if (!saved.every((tensor) => known.has(tensor.id))) throw new Error(refusal(name));
        return found;
      })(...inputs);
    };
  customGradients[guarded] = true;
}

/** tfjs's own ops run in a scope named after them; a user's function is known by its own name only. */
function nameOf(scope: { name: string } | null, f: CustomGradient): string {
  if (scope?.name.endsWith('__op')) return scope.name.slice(0, -'__op'.length);
  return f.name ? `The custom gradient "${f.name}"` : 'A function made by tf.customGrad';
}

const refusal = (name: string) =>
  `${name} can't be differentiated twice: its custom gradient saves a tensor that is neither an input nor ` +
  'its output, so tfjs would return a wrong second derivative without an error. Save inputs or the output ' +
  'instead; for a cross-entropy, use crossEntropy of @llr/core.';
