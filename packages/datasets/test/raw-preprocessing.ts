// A preprocessing for tests: the bytes of a record are its pixels. Workers import it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PreprocessingOf } from '@llr/datasets';

export const imageSize = 12;

export interface RawOptions {
  /** Images finish in another order than they were begun in. */
  shuffled?: boolean;
}

/** First bytes with a meaning of their own. */
export const damaged = 255;
export const deadly = 254;
export const endless = 253;

/** The channel that hears of an endless record when it is met. */
export const endlessBegun = 'endless begun';

const make: PreprocessingOf<RawOptions | undefined> = async (options) => ({
  draws: 2,
  outputShape: [2, 2, 3],
  preprocess: async (bytes, into, draws) => {
    if (options?.shuffled) await sleep((bytes[1]! * 7) % 4);
    if (bytes[0] === damaged) throw new Error('its first byte is 255.');
    if (bytes[0] === deadly) process.exit(3);
    if (bytes[0] === endless) {
      const channel = new BroadcastChannel(endlessBegun);
      channel.postMessage(null);
      channel.close();
      await new Promise(() => {});
    }
    const [brighter = 0, noise = 0] = draws ?? [];
    for (let i = 0; i < imageSize; i++) into[i] = (bytes[i]! + brighter) / 256;
    if (draws) into[imageSize - 1] = noise;
  },
});

export default make;
