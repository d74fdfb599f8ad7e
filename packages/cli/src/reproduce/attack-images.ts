import { type AdversarialExample, adversarialExamples } from '@llr/attacks';
import type { Attack } from '@llr/core';
import { subset } from '@llr/datasets';
import { threatModel } from '@llr/train';
import type { ReadyNetwork } from './laboratory.ts';

/** What an attack makes of a few test images. */
export async function attackImages(
  { classifier, test, threat: own, seed }: ReadyNetwork,
  attack: Attack,
  {
    from = 0,
    count,
    epsilon = own.epsilon,
    draw = 0,
  }: { from?: number; count: number; epsilon?: number; draw?: number },
): Promise<AdversarialExample[]> {
  const threat = threatModel({ ...own, epsilon });
  const first = Math.min(from, test.size - 1);
  try {
    return await adversarialExamples({
      classifier,
      data: subset(test, { from: first, size: Math.min(count, test.size - first) }),
      attack,
      threat,
      seed: seed + draw,
      batchSize: 32,
    });
  } finally {
    threat.radius.dispose();
  }
}

/**
 * The rows of the images that every network gets right unperturbed.
 *
 * @throws when there is none: then there is nothing to show
 */
export function rightForAll(attacked: readonly (readonly AdversarialExample[])[]): number[] {
  const first = attacked[0]!;
  const isRight = (examples: readonly AdversarialExample[], row: number) =>
    examples[row]!.prediction === examples[row]!.label;
  const rows = [...first.keys()].filter((row) => attacked.every((each) => isRight(each, row)));
  if (rows.length > 0) return rows;
  throw new Error(
    `Of the ${first.length} test images from ${first[0]!.index} on, none is right for ${attacked.length > 1 ? 'all networks' : 'the network'}, so there is nothing to attack: too little was learnt.`,
  );
}
