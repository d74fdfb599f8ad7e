import { hostname } from 'node:os';

/**
 * Processes that train or evaluate together, each with its rank, 0 to size − 1. All of them make the same calls in the
 * same order; a call settles when every process has made it, as far as it needs them to. While a process waits, or its
 * event loop turns, it gives signs of life to the others: one that gives none for longer than the time-out, or has
 * failed, makes their calls reject with an error that names it.
 */
export interface World {
  readonly rank: number;
  readonly size: number;
  /** `Open MPI 4.1.4, rank 1 of 4 on host a`. */
  readonly description: string;
  /** What people call each rank: `rank 1 of 4 on host a`. */
  readonly names: readonly string[];
  /** Seconds that one rank may be waited for; nothing where there is nobody to wait. */
  readonly timeout?: number;
  /** Puts the sums over all ranks in the place of the values, in buckets; every rank gets the same bytes. */
  allReduceSum(values: Float32Array): Promise<void>;
  /** The values of all ranks in their order, as JSON keeps them: on rank 0, elsewhere nothing. */
  gather<T>(value: T): Promise<T[] | undefined>;
  /** Rank 0's value, as JSON keeps it, on every rank; what the others pass is not looked at. */
  broadcast<T>(value: T | undefined): Promise<T>;
  /** Waits until every rank has got here. */
  barrier(): Promise<void>;
  /**
   * Ends the processes of every rank at once with exit code 1, the message on stderr as `llr: message`. It should name
   * the rank. One process alone throws it instead.
   */
  abort(message: string): never;
  /** Waits for every rank, and leaves; no call may follow. */
  finalize(): Promise<void>;
}

/** One process: no MPI, no native code. */
export const alone: World = {
  rank: 0,
  size: 1,
  description: 'one process',
  names: [`rank 0 of 1 on ${hostname()}`],
  allReduceSum: async () => {},
  gather: async (value) => [value],
  broadcast: async (value) => value!,
  barrier: async () => {},
  abort: (message) => {
    throw new Error(message);
  },
  finalize: async () => {},
};
