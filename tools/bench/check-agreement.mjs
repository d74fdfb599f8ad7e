import { join } from 'node:path';
import { compare } from './agreement.mjs';
import { Child } from './child.mjs';
import { readArrays } from './safetensors.mjs';

/** The truth, where there is a PyTorch: float32's rounding is only the others' then. */
const float64 = {
  name: 'pytorch-float64',
  runtime: 'torch',
  precision: 'float32',
  args: ['--float64'],
  env: {},
};

/**
 * Lets every float32 variant compute losses and gradients at the same δ, one process after the other.
 *
 * @returns by variant, `{ worst, differing, problems }` against PyTorch in float64; without a PyTorch among them,
 *   against the first, which is `{ reference: true, problems: [] }`
 */
export async function checkAgreement({ tolerance }, variants, folder, options, progress) {
  const compared = variants.filter(({ precision }) => precision === 'float32');
  if (compared.some(({ runtime }) => runtime === 'torch')) compared.unshift(float64);
  const found = new Map();
  let reference;
  for (const variant of compared) {
    progress(`  checking ${variant.name}`);
    const child = await Child.start(variant, folder, options.of(variant));
    const file = join(folder, 'checked.safetensors');
    await child.check(file);
    await child.end();
    const arrays = readArrays(file);
    found.set(
      variant.name,
      reference ? compare(arrays, reference, tolerance) : { reference: true, problems: [] },
    );
    reference ??= arrays;
  }
  return found;
}
