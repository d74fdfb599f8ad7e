import { gather, sub, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { Sample } from './sample.ts';
import { figure, type Warning } from './warning.ts';

/**
 * Two images with different labels whose balls meet: what is in both would have to be classified as both, so no
 * classifier is robust at both (Yang et al. 2020 measured that in real data sets classes lie far further apart than the
 * usual radii). It finds an ε that is too large for the data, images that don't use the pixel box, and the same
 * image under two labels.
 */
export async function checkSeparation({ problem, labels }: Sample): Promise<Warning[]> {
  const { images, indices, threat } = problem;
  if (threat.name !== 'linf' && threat.name !== 'l2') return [];
  const count = labels.length;
  const radii = await threat.radius.data();
  const radius = (row: number) => radii[row % radii.length]!;
  let closest: { a: number; b: number; distance: number } | undefined;
  // Against the batch turned by 1, 2, …: every pair once or twice.
  for (let turn = 1; turn <= count / 2; turn++) {
    const other = (row: number) => (row + turn) % count;
    const distances = tidy(() => {
      const turned = gather(images, Array.from(labels.keys(), other));
      return threat.size(sub(images, turned) as Tensor4D);
    });
    for (const [row, distance] of (await distances.data()).entries()) {
      const b = other(row);
      if (labels[row] === labels[b] || !(distance <= radius(row) + radius(b))) continue;
      if (!closest || distance < closest.distance) closest = { a: row, b, distance };
    }
    distances.dispose();
  }
  if (!closest) return [];
  const { a, b, distance } = closest;
  const pair = `Examples ${indices[a]} (class ${labels[a]}) and ${indices[b]} (class ${labels[b]})`;
  const message =
    distance === 0
      ? `${pair} are the same image: one of the labels is wrong, and no network can be right about both. Look at the labels.`
      : `${pair} are ${figure(distance)} apart, no more than 2ε: some image is within ε of both, so no network can be robust at both, and robust accuracy is bounded by the data. Is ε in units of [0, 1] (8 / 255), and do the images use that range?`;
  return [{ check: 'overlapping-classes', message }];
}
