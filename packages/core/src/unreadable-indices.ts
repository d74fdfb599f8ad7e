import { NotCompilableError } from '@llr/engine';

/**
 * What a compiled function has in place of a batch's `indices`: their number. Which examples they are changes from
 * call to call, and would be a constant of the graph.
 */
export const unreadableIndices = (count: number): Int32Array =>
  new Proxy(new Int32Array(count), {
    get: (_, key) => {
      if (key === 'length') return count;
      throw new NotCompilableError(
        "it reads which examples are in the batch, which would be the same in every call. Use the batch's labels, images or random source.",
      );
    },
  });
