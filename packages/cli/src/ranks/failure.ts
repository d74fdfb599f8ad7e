import type { World } from '@llr/train';
import { Interrupted } from '../eval/interrupt.ts';

/** What went wrong on a rank, as it is told to the others. */
export interface Failure {
  message: string;
  /** Where it was asked to end. */
  exitCode?: number;
}

/** What went wrong is known to every rank, and rank 0 says it. */
export class FailedTogether extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof Interrupted ? { message, exitCode: error.exitCode } : { message };
}

/**
 * Throws the same on every rank where any has failed.
 *
 * @param failure - this rank's own
 * @throws FailedTogether naming the ranks, unless all of them say the same
 */
export async function failTogether(world: World, failure: Failure | undefined): Promise<void> {
  const all = await world.gather(failure ?? null);
  throwFailures(world, await world.broadcast(all));
}

/** The same with what is known of all ranks. */
export function throwFailures({ names }: World, all: readonly (Failure | null)[]): void {
  const failed = all.flatMap((failure, rank) => (failure ? [{ ...failure, rank }] : []));
  const [first] = failed;
  if (!first) return;
  const asked = failed.find(({ exitCode }) => exitCode !== undefined);
  if (asked) throw new FailedTogether(asked.message, asked.exitCode!);
  const messages = new Set(failed.map(({ message }) => message));
  const everywhere = failed.length === all.length && messages.size === 1;
  const named = [...messages].map((message) => {
    const ranks = failed.filter((failure) => failure.message === message);
    return `${ranks.map(({ rank }) => names[rank]).join(', and ')}: ${message}`;
  });
  throw new FailedTogether(everywhere ? first.message : named.join('\nllr: '), 1);
}

/** What every rank does by itself: where it fails on any, it has failed on all. */
export async function onEveryRank<T>(world: World, work: () => Promise<T>): Promise<T> {
  if (world.size === 1) return work();
  let done: { value: T } | { error: unknown };
  try {
    done = { value: await work() };
  } catch (error) {
    done = { error };
  }
  await failTogether(world, 'error' in done ? failureOf(done.error) : undefined);
  return (done as { value: T }).value;
}
