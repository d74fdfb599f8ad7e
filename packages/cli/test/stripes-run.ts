import { fileURLToPath } from 'node:url';
import { train } from '@llr/train';
import stripes from './fixtures/stripes.config.ts';
import { stripesConfig } from './llr.ts';

/** Attacks of the user's own, which can be made slow, or fail. */
export const ownAttack = fileURLToPath(new URL('fixtures/own-attack.ts', import.meta.url));

/** Trains the stripes network, a matter of a second, and leaves its run in a folder. */
export async function trainStripes(directory: string): Promise<void> {
  await train(stripes, 'nominal', { directory, engine: 'test' });
}

/** `llr eval` of such a run, at an ε that breaks a part of its 48 images. */
export const evalStripes = (directory: string, ...args: string[]): string[] => [
  'eval',
  directory,
  '--config',
  stripesConfig,
  '--epsilon',
  '0.2',
  '--batch-size',
  '8',
  ...args,
];

/** A result without what differs from one run to the next: how long it took. */
export const withoutSeconds = <T>(result: T): T =>
  JSON.parse(JSON.stringify(result, (key, value) => (key === 'seconds' ? undefined : value))) as T;
