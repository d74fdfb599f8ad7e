import type { Levels } from '../colour-scale.ts';
import { number } from '../format.ts';

/** The loss along the upright axis of a landscape. */
export function heightTicks({ limits, low, high }: Levels): { z: number; text: string }[] {
  const shown = [low, limits[Math.floor((limits.length - 1) / 2)]!, high];
  return [...new Set(shown)].map((value) => ({
    z: (value - low) / (high - low),
    text: number(value),
  }));
}
