import type { PlainExperiment } from '../plain/plain-experiment.ts';

/** `'paper'`: as published. `'mini'`: the same on embedded images with a small network, minutes on two cores. */
export type Scale = 'paper' | 'mini';

export const scales: readonly Scale[] = ['paper', 'mini'];

/** Where values are from, by their path; `*` stands for any name: `{ 'train.batchSize': 'F.2' }`. */
export type Sources = Readonly<Record<string, string>>;

/** An experiment that comes with LLR, as plain data. */
export interface Preset {
  /** In one line. */
  readonly description: string;
  readonly experiment: PlainExperiment;
  /** The place in the paper's supplement (F.2, Table F2) of each value that has one, and of the others why they are so. */
  readonly sources: Sources;
}

/** What is said about the value at a path. */
export function sourceOf(sources: Sources, path: readonly (string | number)[]): string | undefined {
  const at = path.join('.');
  if (Object.hasOwn(sources, at)) return sources[at];
  const pattern = Object.keys(sources).find((key) => matches(key, at));
  return pattern === undefined ? undefined : sources[pattern];
}

const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.split('*').map(escaped).join('.+')}$`).test(path);

const escaped = (text: string) => text.replaceAll('.', '\\.');
