import { engine, type Tensor } from '@tensorflow/tfjs-core';
import { isFused, type Kernels, unfused } from './fused-ops.ts';

type Save = (tensors: Tensor[]) => void;
type CustomGradient = (...inputsAndSave: (Tensor | Save)[]) => {
  value: Tensor;
  gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor | Tensor[];
};

interface KernelCall {
  inputs: Record<string, Tensor | undefined>;
}

interface CustomGradients extends Kernels {
  state: { gradientDepth: number; activeScope: { name: string } | null };
  nextTensorId(): number;
  runKernelFunc(call: KernelCall): unknown;
  customGrad(f: CustomGradient): (...inputs: Tensor[]) => Tensor;
}

const guarded = Symbol.for('llr.custom-gradient-guard');

/**
 * Refuses, inside a nested gradient, a custom gradient that computes with a tensor made inside its own
 * forward pass, saved (`tf.losses.softmaxCrossEntropy`, wrong by 20–70 % that way) or captured: the tape
 * doesn't know where that tensor came from, so the second derivative would silently miss it. tfjs's fused operations,
 * which have such gradients, are taken apart.
 */
export function guardCustomGradients(): void {
  const customGradients = engine() as unknown as CustomGradients & { [guarded]?: true };
  if (customGradients[guarded]) return;
  const customGrad = customGradients.customGrad.bind(customGradients);
  customGradients.customGrad =
    (f) =>
    (...inputs) => {
      const { state } = customGradients;
      const name = nameOf(state.activeScope, f);
      if (isFused(name) && state.gradientDepth > 0) {
        return unfused(customGradients, name, () => f(...inputs, () => {}).value);
      }
      return customGrad((...inputsAndSave) => {
        const save = inputsAndSave.at(-1) as Save;
        let own: Tensor[] = [];
        const first = customGradients.nextTensorId();
        const { value, gradFunc } = f(...inputsAndSave.slice(0, -1), (tensors) => {
          own = tensors;
        });
        const last = customGradients.nextTensorId();
        const isInner = ({ id }: Tensor) => id > first && id < last && id !== value.id;
        // The inputs and the value may be captured, and are disposed of before the gradient runs.
        const captured = [...inputs, value];
        save([...own, ...captured]);
        return {
          value,
          gradFunc: (dy, saved) => {
            const nested = state.gradientDepth > 0;
            if (nested && own.some(isInner)) throw new Error(refusal(name, 'saves'));
            const known = new Set(saved.map(({ id }) => id));
            const clones = new Map(captured.map(({ id }, i) => [id, saved[own.length + i]!]));
            return throughKernels(
              customGradients,
              () => gradFunc(dy, saved.slice(0, own.length)),
              (tensor) => {
                if (nested && isInner(tensor) && !known.has(tensor.id)) {
                  throw new Error(refusal(name, 'captures'));
                }
                return clones.get(tensor.id) ?? tensor;
              },
            );
          },
        };
      })(...inputs);
    };
  customGradients[guarded] = true;
}

/** Runs a gradient with every tensor that it computes with, and what it returns, replaced. */
function throughKernels(
  kernels: Pick<CustomGradients, 'runKernelFunc'>,
  gradient: () => Tensor | Tensor[],
  replace: (tensor: Tensor) => Tensor,
): Tensor[] {
  const run = kernels.runKernelFunc;
  kernels.runKernelFunc = function (call) {
    // Custom gradients inside this one are called with functions, and inputs, of their own.
    const inputs = Object.entries(call.inputs).map(([key, x]) => [key, x && replace(x)]);
    return run.call(this, { ...call, inputs: Object.fromEntries(inputs) });
  };
  try {
    return [gradient()].flat().map(replace);
  } finally {
    kernels.runKernelFunc = run;
  }
}

/** tfjs's own ops run in a scope named after them; a user's function is known by its own name only. */
function nameOf(scope: { name: string } | null, f: CustomGradient): string {
  if (scope?.name.endsWith('__op')) return scope.name.slice(0, -'__op'.length);
  return f.name ? `The custom gradient "${f.name}"` : 'A function made by tf.customGrad';
}

const refusal = (name: string, uses: 'saves' | 'captures') =>
  `${name} can't be differentiated twice: its custom gradient ${uses} a tensor that is neither an input nor ` +
  'its output, so tfjs would return a wrong second derivative without an error. Save inputs or the output ' +
  'instead, and compute the rest from them in the gradient; for a cross-entropy, use crossEntropy of @llr/core.';
