import { type EngineName, useEngine } from '@llr/engine/node';
import type { Output } from './output.ts';

/** What the command line may say of the engine. */
export interface EngineChoice {
  engine?: EngineName;
  threads?: number;
}

/** Starts the engine and says which it is. Returns its name and version. */
export async function startEngine(choice: EngineChoice, out: Output): Promise<string> {
  const { engine: prefer, threads } = choice;
  const engine = await useEngine({
    ...(prefer && { prefer }),
    ...(threads !== undefined && { threads }),
  });
  const name = `${engine.name} ${engine.version}`;
  out.say(`Engine: ${name} (llr doctor shows what else this machine could use)`);
  return name;
}
