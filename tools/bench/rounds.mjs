import { Child } from './child.mjs';
import { median } from './statistics.mjs';

/** Of a slow variant, one round in so many is enough. */
const slowness = 5;

/**
 * Times steps of the variants in turn, one step each a round, beginning with another one every round.
 *
 * @returns for each variant what it measured
 */
export async function timeRounds(variants, folder, rounds, options, progress) {
  const timed = [];
  for (const variant of variants) {
    progress(`  starting ${variant.name}`);
    const child = await Child.start(variant, folder, options.of(variant));
    const first = await child.step();
    progress(`  ${variant.name}: first step ${first.seconds.toFixed(2)} s`);
    // Some compile the second time too.
    if (!variant.slow) await child.step();
    timed.push({ child, first, steps: [] });
  }
  for (let round = 0; round < rounds; round++) {
    const began = round % timed.length;
    for (const { child, steps } of [...timed.slice(began), ...timed.slice(0, began)]) {
      if (child.variant.slow && round % slowness !== 0) continue;
      steps.push({ round, ...(await child.step()) });
    }
    progress(`  round ${round + 1} of ${rounds}`);
  }
  return Promise.all(
    timed.map(async ({ child, first, steps }) => ({
      variant: child.variant,
      runtime: child.description,
      layout: child.layout,
      firstStep: first,
      steps,
      startRss: child.startRss,
      peakRss: await child.end(),
    })),
  );
}

/** The median over the rounds that both took part in of how many times as long one took as the other. */
export function medianRatio(steps, reference) {
  const byRound = new Map(reference.map(({ round, seconds }) => [round, seconds]));
  const ratios = steps
    .filter(({ round }) => byRound.has(round))
    .map(({ round, seconds }) => seconds / byRound.get(round));
  return ratios.length > 0 ? median(ratios) : undefined;
}
