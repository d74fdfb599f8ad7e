import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
import { shortNames } from './short-names.ts';

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
