import { setTimeout as sleep } from 'node:timers/promises';
import type { EvaluationProgress, OnProgress } from '@llr/attacks';
import type { World } from '@llr/train';
import { type Failure, failureOf, throwFailures } from '../ranks/failure.ts';

/** What a rank says of its part while all are at work. */
interface Standing {
  progress: EvaluationProgress | null;
  ended: boolean;
  failure: Failure | null;
}

/** Milliseconds between two looks at all ranks. */
const period = 1000;

/**
 * Runs this rank's part of an evaluation while the others run theirs. Rank 0 is told of the progress of all. Where one
 * fails, the others are asked to end.
 *
 * @param stop - asks this rank to end
 * @throws FailedTogether on every rank, when any has failed
 */
export async function followRanks<T>(
  world: World,
  onProgress: OnProgress,
  stop: () => void,
  part: (onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  if (world.size === 1) return part(onProgress);
  const own: Standing = { progress: null, ended: false, failure: null };
  let stopped = false;
  const work = part((progress) => {
    own.progress = progress;
  })
    .catch((error: unknown) => {
      if (!stopped) own.failure = failureOf(error);
      return undefined;
    })
    .finally(() => {
      own.ended = true;
    });
  for (;;) {
    const gathered = await world.gather(own);
    if (gathered?.every(({ progress }) => progress)) onProgress(totalOf(gathered));
    const all = await world.broadcast(gathered?.map(({ ended, failure }) => ({ ended, failure })));
    if (all.every(({ ended }) => ended)) {
      throwFailures(
        world,
        all.map(({ failure }) => failure),
      );
      return (await work) as T;
    }
    if (!own.ended && all.some(({ failure }) => failure)) {
      stopped = true;
      stop();
    }
    await Promise.race([own.ended ? sleep(period) : work, sleep(period)]);
  }
}

/** The parts' progress as that of the whole; the attack is that of the rank that is farthest behind. */
function totalOf(standings: readonly Standing[]): EvaluationProgress {
  const parts = standings.map(({ progress }) => progress!);
  const [last] = parts.toSorted((a, b) => a.done / a.total - b.done / b.total);
  const sum = (field: 'done' | 'total' | 'settled' | 'examples' | 'robust') =>
    parts.reduce((total, part) => total + part[field], 0);
  return {
    attack: last!.attack,
    done: sum('done'),
    total: sum('total'),
    settled: sum('settled'),
    examples: sum('examples'),
    robust: sum('robust'),
  };
}
