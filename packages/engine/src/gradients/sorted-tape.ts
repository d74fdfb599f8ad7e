import { engine, type Tensor } from '@tensorflow/tfjs-core';

interface TapeNode {
  outputs: { id: number }[];
}

/** The parts of tfjs's engine that differentiating twice depends on; none of them is in its public types. */
interface Differentiator {
  state: { activeTape: TapeNode[]; gradientDepth: number };
  gradients(f: () => Tensor, xs: Tensor[], dy?: Tensor, allowNoGradients?: boolean): unknown;
}

const sorted = Symbol.for('llr.sorted-tape');

/**
 * Repairs nested gradients at the root. tfjs puts the saved clone of an op's output on the tape before
 * the op itself, so its walk from x to y, which goes through the tape in order, loses every path through
 * such an output: a silently wrong second derivative (exp, sigmoid, tanh, softmax, …). A tensor's id is
 * larger than those of the tensors it was made from, so ordering nodes by what they produce is topological.
 */
export function sortTape(): void {
  const differentiator = engine() as unknown as Differentiator & { [sorted]?: true };
  if (differentiator[sorted]) return;
  const gradients = differentiator.gradients.bind(differentiator);
  differentiator.gradients = (f, xs, dy, allowNoGradients) =>
    gradients(
      () => {
        const y = f();
        differentiator.state.activeTape.sort((a, b) => a.outputs[0]!.id - b.outputs[0]!.id);
        return y;
      },
      xs,
      dy,
      allowNoGradients,
    );
  differentiator[sorted] = true;
}
