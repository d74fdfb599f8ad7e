import { namesInstead } from '../schema/closest-name.ts';
import { miniature } from './mini.ts';
import { paperPresets } from './networks.ts';
import { type Preset, type Scale, scales } from './preset.ts';
import { quickStart } from './quick-start.ts';

/** Experiments that come with LLR, by name, as published. */
export const presets: Readonly<Record<string, Preset>> = {
  'quick-start': quickStart,
  ...paperPresets,
};

/**
 * A preset, as published or in miniature. `quick-start` is small already.
 *
 * @throws when there is no such preset or scale, naming what may have been meant
 */
export function presetNamed(name: string, scale: Scale = 'paper'): Preset {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (!preset) {
    throw new Error(`There is no preset "${name}"; ${namesInstead(name, Object.keys(presets))}.`);
  }
  if (!scales.includes(scale)) {
    throw new Error(`There is no scale "${scale}"; ${namesInstead(scale, scales)}.`);
  }
  return scale === 'mini' && preset !== quickStart ? miniature(preset) : preset;
}
