import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { adam, type Maximizer, projectedAscent, type ThreatModel } from '@llr/core';
import { threatModel } from '@llr/train';
import { defaultBatchSize } from '../eval/batch-size.ts';
import { type Config, loadConfig } from '../eval/config-file.ts';
import {
  assertSetting,
  type LoadedTarget,
  loadTarget,
  type Target,
  targetsOf,
} from '../eval/what-to-evaluate.ts';
import type { Output } from '../output.ts';
import { startEngine } from '../start-engine.ts';
import type { MeasureOptions, SearchOptions } from './options.ts';

/** A network to measure, loaded. */
export interface MeasuredNetwork extends LoadedTarget {
  /** The shortest end of its path that no other has: for figures. */
  shortName: string;
  /** Where its files go. */
  folder: string;
  engine: string;
  batchSize: number;
}

/** Where the networks are, and where figures of all of them go. */
export interface MeasuredNetworks {
  figures: string;
  /** Loads one after the other. */
  loaded(): AsyncIterable<MeasuredNetwork>;
  count: number;
}

/**
 * Finds the networks, and starts the engine.
 *
 * @throws as `targetsOf`, `assertSetting` and `loadConfig`
 */
export async function networksOf(
  what: readonly string[],
  options: MeasureOptions,
  out: Output,
): Promise<MeasuredNetworks> {
  const targets = targetsOf(what, options.config);
  for (const target of targets) assertSetting(target, options, options.config !== undefined);
  const engine = await startEngine(options, out);
  const config = options.config ? await loadConfig(options.config) : undefined;
  const names = shortNames(targets.map(({ path }) => path));
  return {
    count: targets.length,
    figures: options.out ?? (targets.length === 1 ? targets[0]!.folder : folderNamed(what[0]!)),
    loaded: async function* () {
      for (const [i, target] of targets.entries()) {
        const folder = folderFor(target, names[i]!, targets.length, options.out);
        yield await load(target, { config, engine, folder, shortName: names[i]! }, options);
      }
    },
  };
}

async function load(
  target: Target,
  found: { config: Config | undefined; engine: string; folder: string; shortName: string },
  options: MeasureOptions,
): Promise<MeasuredNetwork> {
  const { config, ...known } = found;
  const loaded = await loadTarget(target, options, config);
  const batchSize = options.batchSize ?? defaultBatchSize(loaded.classifier.inputShape);
  return { ...loaded, ...known, batchSize };
}

const folderNamed = (path: string): string =>
  existsSync(path) && statSync(path).isDirectory() ? path : dirname(path);

const folderFor = (target: Target, name: string, count: number, out: string | undefined) => {
  if (out === undefined) return target.folder;
  return count === 1 ? out : join(out, name.replaceAll(/[/\\]/g, '-'));
};

/** The shortest ends of paths that differ from one another: `LLR`, or `a/LLR` and `b/LLR`. */
export function shortNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => resolve(path).split(/[/\\]/));
  for (let length = 1; ; length++) {
    const names = parts.map((all) => all.slice(-length).join('/'));
    const longest = parts.every((all) => all.length <= length);
    if (new Set(names).size === names.length || longest) {
      return paths.length === 1 ? [basename(resolve(paths[0]!))] : names;
    }
  }
}

/** The search that the command line describes. */
export const maximizerOf = ({ steps, stepSize }: SearchOptions): Maximizer =>
  projectedAscent({ optimizer: adam(), stepSize, steps, keep: 'best' });

/** Does something with a network's threat model, and frees that. */
export async function withThreat<Result>(
  { threat: description }: MeasuredNetwork,
  work: (threat: ThreatModel) => Promise<Result>,
): Promise<Result> {
  const threat = threatModel(description);
  try {
    return await work(threat);
  } finally {
    threat.radius.dispose();
  }
}
