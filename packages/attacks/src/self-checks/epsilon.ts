import type { Sample } from './sample.ts';
import { figure, type Warning } from './warning.ts';

/** Half of one of 255 grey levels. */
const halfLevel = 1 / 510;

/**
 * A radius that can't be meant: as large as images are, which grey levels in place of [0, 1] make it, or lost when the
 * image is stored.
 *
 * From ε = ½ (in ℓ2: √(h·w·c)/2) on, every image can be made uniformly grey, and no classifier can be robust. Units
 * of normalised pixels can't be told from others.
 */
export async function checkEpsilon({ problem: { images, threat } }: Sample): Promise<Warning[]> {
  const pixels = images.size / images.shape[0];
  const radii = (await threat.radius.data()) as Float32Array;
  const largest = Math.max(...radii);
  const smallest = Math.min(...radii);
  const grey = { linf: 0.5, l2: Math.sqrt(pixels) / 2 }[threat.name];
  if (grey === undefined) return [];
  const unit = threat.name === 'linf' ? 'ℓ∞' : 'ℓ2';
  // Float32 holds 0.1 a little above 0.1; and a ball that only just reaches grey isn't worth a word.
  if (largest > grey * (1 + 1e-6)) return [tooLarge(unit, largest, grey)];
  if (smallest > 0 && smallest < halfLevel * (1 - 1e-6)) return [tooSmall(unit, smallest)];
  return [];
}

const tooLarge = (unit: string, epsilon: number, grey: number): Warning => ({
  check: 'epsilon-too-large',
  message: `ε = ${figure(epsilon)} in ${unit}, but from ${figure(grey)} on every image can be turned into the same grey one, and no network can be robust. Images are in [0, 1]: is ε in grey levels from 0 to 255 (write 8 / 255), or a percentage?`,
});

const tooSmall = (unit: string, epsilon: number): Warning => ({
  check: 'epsilon-too-small',
  message: `ε = ${figure(epsilon)} in ${unit} is less than half a grey level (1/510): stored as 8-bit images, all perturbed images are the unperturbed ones. Images are in [0, 1]: was ε divided by 255 twice, or by a standard deviation?`,
});
