import {
  type KernelFunc,
  reshape,
  scatterND,
  type Tensor,
  type Tensor1D,
  tidy,
} from '@tensorflow/tfjs-core';
import { asTensor } from './as-tensor.ts';

/** The sum of the rows of each segment, which tfjs's wasm backend lacks and the gradient of gather needs. */
export const unsortedSegmentSumKernel: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const x = asTensor(inputs.x);
    const segments = reshape(inputs.segmentIds as Tensor, [x.shape[0]!]) as Tensor1D;
    const { numSegments } = attrs as { numSegments: number };
    // The backend's scatter writes wherever it is told to.
    if (segments.dataSync().some((segment) => segment < 0 || segment >= numSegments)) {
      throw new Error(`A segment of unsortedSegmentSum is not in [0, ${numSegments - 1}].`);
    }
    return scatterND(reshape(segments, [x.shape[0]!, 1]), x, [numSegments, ...x.shape.slice(1)]);
  });
