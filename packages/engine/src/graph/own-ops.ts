import type { Binding } from './binding.ts';
import { dataTypes } from './node-def.ts';

const known = new WeakMap<object, boolean>();

/** Whether the addon was built with our own ops, which are for a CPU. */
export function hasOwnOps(binding: Binding): boolean {
  let found = known.get(binding.executeOp);
  if (found === undefined) {
    found = tryOne(binding);
    known.set(binding.executeOp, found);
  }
  return found;
}

function tryOne(binding: Binding): boolean {
  if ((binding.isUsingGpuDevice as unknown as () => boolean)()) return false;
  const zero = binding.createTensor([1], dataTypes.float32, Float32Array.of(0));
  try {
    const [result] = binding.executeOp('LlrSoftplus', [], [zero], 1);
    binding.deleteTensor(result!.id);
    return true;
  } catch {
    return false;
  } finally {
    binding.deleteTensor(zero);
  }
}
