import { version } from '@llr/train';
import type { MeasuredNetwork } from './networks.ts';
import type { SearchOptions } from './options.ts';

/**
 * What a measurement was made of: all that its numbers depend on. It heads the journal and stands in the result.
 *
 * @param made - what else they depend on
 */
export function measurementProvenance<Made extends object>(network: MeasuredNetwork, made: Made) {
  const { classifier, test, threat, seed, weights, engine, batchSize } = network;
  return {
    format: 1,
    llr: version,
    engine,
    classifier: classifier.name,
    weights,
    data: { name: test.name, split: test.split, size: test.size },
    threat,
    seed,
    batchSize,
    ...made,
  };
}

/** The search, as it stands there. */
export const searchRecord = ({ steps, stepSize }: SearchOptions) => ({
  optimizer: 'adam',
  steps,
  stepSize,
});
