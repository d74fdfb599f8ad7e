import {
  GatherV2,
  type GatherV2Attrs,
  getKernel,
  type KernelFunc,
  registerKernel,
  scalar,
  type Tensor,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import type { TensorFlowBackend } from './binding.ts';
import { isTracing } from './trace.ts';

let wrapped: KernelFunc | undefined;

/**
 * tfjs-node reads the indices of a gather to check them, which a graph being recorded can't: there, TensorFlow
 * checks them when it runs (on a CPU; on a GPU, what is out of range reads as 0).
 */
export function makeGatherRecordable(): void {
  const checked = getKernel(GatherV2, 'tensorflow').kernelFunc;
  if (checked === wrapped) return;
  wrapped = (call) => (isTracing() ? gather(call) : checked(call));
  unregisterKernel(GatherV2, 'tensorflow');
  registerKernel({ kernelName: GatherV2, backendName: 'tensorflow', kernelFunc: wrapped });
}

const gather: KernelFunc = ({ inputs, backend, attrs }) => {
  const tensorFlow = backend as unknown as TensorFlowBackend;
  const { x, indices } = inputs as unknown as { x: Tensor; indices: Tensor };
  const { axis, batchDims } = attrs as unknown as GatherV2Attrs;
  const { TF_ATTR_INT, TF_ATTR_TYPE } = tensorFlow.binding as unknown as Record<string, number>;
  const along = scalar(axis, 'int32');
  const type = (name: string, { dtype }: Tensor) => ({
    name,
    type: TF_ATTR_TYPE!,
    value: tensorFlow.getDTypeInteger(dtype),
  });
  const attributes = [
    { name: 'batch_dims', type: TF_ATTR_INT!, value: batchDims },
    type('Tparams', x),
    type('Tindices', indices),
    type('Taxis', along),
  ];
  const gathered = tensorFlow.executeSingleOutput(GatherV2, attributes, [x, indices, along]);
  along.dispose();
  return gathered;
};
