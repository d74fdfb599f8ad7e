import { engine, type Tensor } from '@tensorflow/tfjs-core';

interface Differentiator {
  state: { activeTape: { saved: Tensor[] }[] | null; gradientDepth: number };
  gradients(f: () => Tensor, xs: Tensor[], dy?: Tensor, allowNoGradients?: boolean): unknown;
}

const explained = Symbol.for('llr.failed-gradient');

/** Says what to do when an op can't be differentiated, and frees what a failed gradient had saved. */
export function explainFailedGradients(): void {
  const differentiator = engine() as unknown as Differentiator & { [explained]?: true };
  if (differentiator[explained]) return;
  const gradients = differentiator.gradients.bind(differentiator);
  differentiator.gradients = (...call) => {
    try {
      return gradients(...call);
    } catch (error) {
      const { state } = differentiator;
      if (state.gradientDepth === 0) {
        for (const { saved } of state.activeTape ?? [])
          for (const tensor of saved) tensor.dispose();
        state.activeTape = null;
      }
      throw explanation(error);
    }
  };
  differentiator[explained] = true;
}

const remedy = "use an op of the table in @llr/engine's README instead";

function explanation(error: unknown): unknown {
  const message = error instanceof Error ? error.message : '';
  const missing = /gradient function not found for (\w+)/.exec(message)?.[1];
  if (missing) {
    // A kernel that computes a gradient is named after the op whose gradient it is.
    const op = missing.replace(/(Grad|Backprop\w*|__op)$/, '');
    const what =
      op === missing || missing.endsWith('__op') ? 'differentiated' : 'differentiated twice';
    return new Error(
      `${op} can't be ${what}: tfjs has no gradient for ${missing}; ${remedy}, or register one by ` +
        `tf.registerGradient({ kernelName: '${missing}', … }).`,
      { cause: error },
    );
  }
  const [, kernel, backend] =
    /(?:Kernel|registered kernel) '(\w+)' (?:not registered )?for backend '(\w+)'/.exec(message) ??
    [];
  if (kernel) {
    return new Error(
      `${kernel}, which this function or its gradient needs, is missing on the engine in use (backend ${backend}): ` +
        `${remedy}, or another engine.`,
      { cause: error },
    );
  }
  return error;
}
