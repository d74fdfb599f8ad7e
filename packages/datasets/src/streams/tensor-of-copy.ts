import { backend, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';

/** A tensor that keeps its values when `values` are overwritten. */
export const tensorOfCopy = (
  values: Float32Array,
  shape: [b: number, h: number, w: number, c: number],
): Tensor4D => tensor4d(engineCopies() ? values : values.slice(), shape, 'float32');

/** Whether an engine copies the array that a tensor is made from at once. */
const copying = new WeakMap<object, boolean>();

/** wasm does; others copy it when the tensor is first computed with. */
function engineCopies(): boolean {
  const engine = backend();
  const known = copying.get(engine);
  if (known !== undefined) return known;
  const values = Float32Array.of(1);
  const tensor = tensor1d(values);
  values[0] = 2;
  const copies = tensor.dataSync()[0] === 1;
  tensor.dispose();
  copying.set(engine, copies);
  return copies;
}
