import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ExampleGamma,
  type LocalLinearityHistogram,
  localLinearityHistogram,
} from '@llr/analysis';
import { writeJson } from '@llr/train';
import { defaultBatchSize } from '../eval/batch-size.ts';
import { firstDifference } from '../eval/provenance.ts';
import { readLines } from '../line-journal.ts';
import { withThreat } from '../measure/networks.ts';
import { overImages } from '../measure/over-images.ts';
import { measurementProvenance } from '../measure/provenance.ts';
import type { Laboratory, ReadyNetwork } from './laboratory.ts';

/** As in Figure F3. */
const search = { optimizer: 'adam', steps: 50, stepSize: 0.1 };

/** γ of a network's test images, from its `gamma.json` where that is of the same; measured otherwise, or gone on with. */
export async function gammaOf(
  trained: ReadyNetwork,
  { engine, out }: Laboratory,
): Promise<LocalLinearityHistogram> {
  const { id, results, classifier, seed, images } = trained;
  const batchSize = defaultBatchSize(classifier.inputShape);
  const network = { ...trained, shortName: id, folder: results, engine, batchSize };
  const provenance = measurementProvenance(network, { examples: { of: images }, search });
  const file = join(results, 'gamma.json');
  const before = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
  const plain: unknown = JSON.parse(JSON.stringify(provenance));
  if (before && !firstDifference(before.provenance, plain)) return before;
  const journal = join(results, 'gamma.journal.jsonl');
  const kind = { command: 'llr gamma', work: 'measurement' };
  const begun = await readLines(journal, provenance, kind).then(Boolean, () => false);
  return overImages<ExampleGamma, LocalLinearityHistogram>(
    network,
    {
      task: '√γ',
      stem: 'gamma',
      command: kind.command,
      header: provenance,
      examples: images,
      restart: !begun,
    },
    (given) =>
      withThreat(network, (threat) =>
        localLinearityHistogram({ ...given, classifier, threat, seed }),
      ),
    (result) => writeJson(file, { ...result, provenance }),
    out,
  );
}
