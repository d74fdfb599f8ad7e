import { RankLost, SharedFailure } from './shared-failure.ts';
import type { World } from './world.ts';

interface Outcome<T> {
  value?: T;
  failure?: string;
}

/**
 * Has every rank do something, and gives every rank what all of them came to, in their order, as JSON keeps it. Alone,
 * the value and the error are those of the work itself.
 *
 * @throws SharedFailure on all ranks when it has failed on any, naming those
 */
export async function everyone<T>(world: World, work: () => T | Promise<T>): Promise<T[]> {
  if (world.size === 1) return [await work()];
  let cause: unknown;
  let outcome: Outcome<T>;
  try {
    outcome = { value: await work() };
  } catch (error) {
    if (error instanceof RankLost || error instanceof SharedFailure) throw error;
    cause = error;
    outcome = { failure: error instanceof Error ? error.message : String(error) };
  }
  const outcomes = await world.broadcast(await world.gather(outcome));
  const failure = failureOf(world, outcomes);
  if (failure !== undefined) throw new SharedFailure(failure, cause ? { cause } : {});
  return outcomes.map(({ value }) => value as T);
}

/** Has rank 0 do something, and gives every rank its value, as JSON keeps it; as `everyone` otherwise. */
export async function rank0<T>(world: World, work: () => T | Promise<T>): Promise<T> {
  if (world.size === 1) return work();
  const [value] = await everyone(world, () => (world.rank === 0 ? work() : undefined));
  return value as T;
}

/** Whether it is so on any rank. */
export const anyone = async (world: World, flag: boolean): Promise<boolean> =>
  world.size === 1 ? flag : (await everyone(world, () => flag)).includes(true);

/** What has failed, and where; where it is the same everywhere, as one process would say it. */
function failureOf({ names }: World, outcomes: readonly Outcome<unknown>[]): string | undefined {
  const ranks = [...outcomes.keys()].filter((rank) => outcomes[rank]!.failure !== undefined);
  const messages = new Set(ranks.map((rank) => outcomes[rank]!.failure!));
  if (ranks.length === names.length && messages.size === 1) return [...messages][0];
  if (ranks.length === 0) return undefined;
  return [...messages]
    .map((message) => {
      const where = ranks.filter((rank) => outcomes[rank]!.failure === message);
      return `${where.map((rank) => names[rank]).join(', ')}: ${message}`;
    })
    .join('\n');
}
