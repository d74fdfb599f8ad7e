import { differencesBetween, type RunSettings } from '../run-settings.ts';
import { everyone } from './everyone.ts';
import { SharedFailure } from './shared-failure.ts';
import type { World } from './world.ts';

/** @throws on all ranks when what describes any of them is not what describes rank 0, naming the differences */
export async function assertSameEverywhere(
  world: World,
  describe: () => RunSettings | Promise<RunSettings>,
): Promise<void> {
  if (world.size === 1) return;
  const all = await everyone(world, describe);
  const problems = all.flatMap((found, rank) => {
    const differences = differencesBetween(all[0]!, found).map(
      ({ name, before, now }) => `${name} is ${now}, and ${before} on rank 0`,
    );
    return differences.length === 0 ? [] : [`${world.names[rank]}: ${differences.join('; ')}`];
  });
  if (problems.length === 0) return;
  throw new SharedFailure(
    `The processes don't train the same. ${problems.join('. ')}. Start all of them with the same config, data and versions.`,
  );
}
