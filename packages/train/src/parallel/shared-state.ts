import { createHash } from 'node:crypto';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { NamedVariable } from '../named-variable.ts';
import { everyone } from './everyone.ts';
import { SharedFailure } from './shared-failure.ts';
import type { World } from './world.ts';

/** Gives every rank the values of rank 0's variables, to the bit. */
export async function shareState(world: World, state: readonly NamedVariable[]): Promise<void> {
  if (world.size === 1) return;
  for (const { variable } of state) {
    // Negative zero is the one number that changes nothing when it is added: not even the sign of a zero.
    const values =
      world.rank === 0
        ? variable.dataSync<'float32'>().slice()
        : new Float32Array(variable.size).fill(-0);
    await world.allReduceSum(values);
    if (world.rank > 0) tidy(() => variable.assign(tensor(values, variable.shape)));
  }
}

/** @throws on all ranks, naming those whose values are not rank 0's, and the first array that differs */
export async function assertSameState(
  world: World,
  state: readonly NamedVariable[],
): Promise<void> {
  if (world.size === 1) return;
  const digests = await everyone(world, () => state.map(digestOf));
  const differing = digests.flatMap((found, rank) => {
    const at = found.findIndex((digest, i) => digest !== digests[0]![i]);
    return at < 0 ? [] : [`${world.names[rank]} (${state[at]!.name})`];
  });
  if (differing.length === 0) return;
  throw new SharedFailure(
    `The weights of ${differing.join(', ')} are not those of rank 0: the processes don't compute alike, or memory is damaged.`,
  );
}

const digestOf = ({ variable }: NamedVariable) => {
  const values = variable.dataSync();
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
};
