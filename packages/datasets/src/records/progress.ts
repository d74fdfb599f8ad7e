import { setImmediate } from 'node:timers/promises';

/** How far an index is. */
export interface IndexProgress {
  /** The file that is being read. */
  readonly file: string;
  /** Images found until now. */
  readonly images: number;
  /** Bytes walked over and to walk over, in all files together. */
  readonly done: number;
  readonly total: number;
}

export type OnProgress = (progress: IndexProgress) => void;

const recordsBetween = 2048;

/** Reports now and then, and lets other work go on meanwhile. */
export function reporter(onProgress: OnProgress | undefined) {
  let count = 0;
  return async (progress: () => IndexProgress): Promise<void> => {
    if (++count % recordsBetween !== 0) return;
    onProgress?.(progress());
    await setImmediate();
  };
}
