import {
  add,
  engine,
  type KernelFunc,
  type NamedAttrMap,
  range,
  reshape,
  type Tensor,
  tidy,
  transpose,
  util,
} from '@tensorflow/tfjs-core';

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** The backend's own gather reads wrong entries with batch dimensions: here they become part of the gathered axis. */
export const gatherKernel =
  (original: KernelFunc): KernelFunc =>
  (call) => {
    const { axis, batchDims } = call.attrs as { axis: number; batchDims?: number };
    if (!batchDims) return original(call);
    return tidy(() => {
      const { shape } = call.inputs.x as Tensor;
      const indices = call.inputs.indices as Tensor;
      const at = util.parseAxisParam(axis, shape)[0]!;
      const batch = product(shape.slice(0, batchDims));
      const outer = product(shape.slice(batchDims, at));
      const size = shape[at]!;
      const inner = product(shape.slice(at + 1));
      const taken = product(indices.shape.slice(batchDims));
      const swap = (x: Tensor, a: number, b: number) =>
        transpose(reshape(x, [batch, a, b, inner]), [0, 2, 1, 3]);
      const rows = reshape(swap(call.inputs.x as Tensor, outer, size), [
        batch * size,
        outer * inner,
      ]);
      const first = reshape(range(0, batch * size, size, 'int32'), [batch, 1]);
      const places = reshape(add(reshape(indices, [batch, taken]), first), [batch * taken]);
      const attrs = { axis: 0, batchDims: 0 } as NamedAttrMap;
      const found = engine().runKernel('GatherV2', { x: rows, indices: places }, attrs) as Tensor;
      const outShape = [
        ...shape.slice(0, at),
        ...indices.shape.slice(batchDims),
        ...shape.slice(at + 1),
      ];
      return reshape(swap(found, taken, outer), outShape);
    });
  };
