import { Child } from './child.mjs';
import { minimum } from './statistics.mjs';

export const layouts = ['nchw', 'channels_last'];

/**
 * Which memory format is faster for PyTorch, by precision: found by its eager variants, and used for all.
 *
 * @returns by precision, `{ layout, seconds: { nchw, channels_last } }`
 */
export async function chooseLayouts(variants, folder, steps, options, progress) {
  const chosen = {};
  for (const precision of ['float32', 'bfloat16']) {
    const variant = variants.find(
      (other) => other.runtime === 'torch' && other.precision === precision,
    );
    if (!variant) continue;
    const eager = { ...variant, args: variant.args.filter((arg) => arg !== '--compiled') };
    progress(`  PyTorch's memory format for ${precision}`);
    const children = [];
    for (const layout of layouts) {
      const child = await Child.start(eager, folder, { ...options, layout });
      await child.step();
      children.push({ layout, child, seconds: [] });
    }
    for (let step = 0; step < steps; step++) {
      for (const { child, seconds } of children) seconds.push((await child.step()).seconds);
    }
    for (const { child } of children) await child.end();
    const minima = Object.fromEntries(children.map((c) => [c.layout, minimum(c.seconds)]));
    const layout = minima.nchw <= minima.channels_last ? 'nchw' : 'channels_last';
    chosen[precision] = { layout, seconds: minima };
    progress(`    ${layouts.map((l) => `${l} ${minima[l].toFixed(3)} s`).join(', ')}: ${layout}`);
  }
  return chosen;
}
