import { type EngineName, useEngine } from '@llr/engine/node';
import type { Output } from './output.ts';

/** Starts the engine and says which it is. Returns its name and version. */
export async function startEngine(prefer: EngineName | undefined, out: Output): Promise<string> {
  const engine = await useEngine(prefer ? { prefer } : {});
  const name = `${engine.name} ${engine.version}`;
  out.say(`Engine: ${name} (llr doctor shows what else this machine could use)`);
  return name;
}
