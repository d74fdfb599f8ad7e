import type { Attack } from '@llr/core';
import { importDefault } from '../load-module.ts';

const hint =
  "export default { name: 'mine', runs: () => [{ name: 'restart 0', restart: 0 }], perturb: (problem) => … }, or a function of { epsilon } that returns such an attack or several.";

/**
 * Reads attacks of the user's own from a module.
 *
 * @throws when its default export is neither an attack nor a function that makes some
 */
export async function attacksIn(file: string, epsilon: number): Promise<readonly Attack[]> {
  const found = await importDefault(file, hint);
  const made: unknown = typeof found === 'function' ? await found({ epsilon }) : found;
  const attacks: unknown[] = Array.isArray(made) ? made : [made];
  for (const attack of attacks) {
    const missing = missingOf(attack);
    if (missing) throw new Error(`${file} exports no attack: ${missing}. Write: ${hint}`);
  }
  if (attacks.length === 0) throw new Error(`${file} exports no attack. Write: ${hint}`);
  return attacks as Attack[];
}

/** What keeps a value from being an attack. */
function missingOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return `it gives ${value}`;
  const attack = value as Record<string, unknown>;
  const is = (key: string) => typeof attack[key] === 'function';
  if (typeof attack.name !== 'string' || attack.name === '') return 'it has no name';
  if (!is('runs')) return `"${attack.name}" has no function runs`;
  const staged = is('begin') && is('advance') && typeof attack.stages === 'number';
  return is('perturb') || staged ? undefined : `"${attack.name}" has no function perturb`;
}
