import { joinWorld, type World } from '@llr/train';
import { FailedTogether } from './failure.ts';

/** Another rank says why. */
export class SaidElsewhere extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('Another rank says why.');
    this.exitCode = exitCode;
  }
}

/**
 * Runs a command together with the other processes that mpirun has started, if it has. What fails on one rank only, and
 * of which the others don't know, ends all of them at once.
 */
export async function inWorld<T>(work: (world: World) => Promise<T>): Promise<T> {
  const world = await joinWorld();
  if (world.size === 1) return work(world);
  try {
    const value = await work(world);
    await world.finalize();
    return value;
  } catch (error) {
    if (!(error instanceof FailedTogether))
      return world.abort(`${world.names[world.rank]}: ${(error as Error).message}`);
    await world.finalize();
    throw world.rank === 0 ? error : new SaidElsewhere(error.exitCode);
  }
}
