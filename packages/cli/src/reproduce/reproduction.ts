import { join } from 'node:path';
import { epsilonText } from '@llr/analysis';
import { writeWhole } from '@llr/models';
import { type RunSource, type Scale, version, writeJson } from '@llr/train';
import { normSign } from '../norm-sign.ts';
import type { Artefact } from './artefact.ts';
import type { Findings } from './findings.ts';
import type { Laboratory } from './laboratory.ts';
import { markdownOf } from './markdown.ts';

/** A network that a reproduction rests on. */
interface NetworkRecord {
  id: string;
  folder: string;
  /** In words. */
  model: string;
  data: string;
  threat: string;
  trained: string;
  /** Seconds of wall time. */
  training: number;
  attacking: number;
}

/** How a reproduction was made. */
export interface Made {
  /** What the command line said. */
  command: string;
  engine: string;
  seed: number;
  llr: string;
  commit: string | undefined;
}

/** A table or figure made again. Plain data. */
export interface Reproduction extends Findings {
  format: 1;
  artefact: string;
  title: string;
  scale: Scale;
  made: Made;
  networks: NetworkRecord[];
  /** Test images that networks were attacked on; 0 where there was no attack to count. */
  images: number;
}

/** What is the same for all of a command's reproductions. */
export const madeBy = (
  command: string,
  { engine, seed, source }: { engine: string; seed: number; source: RunSource },
): Made => ({ command, engine, seed, llr: version, commit: source.git?.commit });

/** Makes a table or figure again, and writes it as JSON and Markdown. */
export async function reproduce(
  artefact: Artefact,
  laboratory: Laboratory,
  made: Made,
): Promise<Reproduction> {
  const { name, title } = artefact;
  const findings = await artefact.reproduce(laboratory);
  const { networks, images } = await recordsOf(artefact, laboratory);
  const reproduction: Reproduction = {
    format: 1,
    artefact: name,
    title,
    scale: laboratory.scale,
    made,
    networks,
    images,
    ...findings,
  };
  const file = join(laboratory.directory, name);
  await writeJson(`${file}.json`, reproduction);
  await writeWhole(`${file}.md`, [Buffer.from(markdownOf(reproduction))]);
  return reproduction;
}

async function recordsOf({ needs }: Artefact, laboratory: Laboratory) {
  const networks: NetworkRecord[] = [];
  let images = 0;
  for (const need of needs(laboratory.scale)) {
    const { id, directory, run } = await laboratory.trained(need);
    const attacked = need.columns.length > 0 ? await laboratory.evaluated(need) : undefined;
    images = Math.max(images, attacked?.clean.total ?? 0);
    const { epochs, batchSize, examples } = run.train;
    networks.push({
      id,
      folder: directory,
      model: run.model,
      data: run.data,
      threat: `${normSign[run.threat.norm]}, ε = ${epsilonText(run.threat.epsilon)}`,
      trained: `${epochs} epochs of ${examples.toLocaleString('en')} images in batches of ${batchSize}`,
      training: run.seconds,
      attacking: attacked?.attacks.reduce((sum, { seconds }) => sum + seconds, 0) ?? 0,
    });
  }
  return { networks, images };
}
