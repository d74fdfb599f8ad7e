import {
  type ExampleGamma,
  epsilonText,
  gammaCsv,
  gammaFigure,
  type LocalLinearityHistogram,
  localLinearityHistogram,
} from '@llr/analysis';
import type { Command } from 'commander';
import { writeForms } from '../measure/files.ts';
import { type MeasuredNetwork, maximizerOf, networksOf, withThreat } from '../measure/networks.ts';
import { measuresNetworks, type SearchOptions, searches } from '../measure/options.ts';
import { overImages } from '../measure/over-images.ts';
import { measurementProvenance, searchRecord } from '../measure/provenance.ts';
import { measurementTable, short } from '../measure/table.ts';
import { wholeNumber, withExamples } from '../options.ts';
import { type Output, output } from '../output.ts';

interface GammaOptions extends SearchOptions {
  examples?: number;
  restart?: boolean;
}

/** `llr gamma`: √γ(ε, x) over a test set (Fig. F3). */
export function gamma(program: Command): void {
  const command = searches(
    measuresNetworks(
      program
        .command('gamma')
        .description(
          'measure how linear the loss is around test images: √γ(ε, x), its histogram, several networks in one; goes on where it was stopped',
        ),
    ),
  )
    .option(
      '--examples <number>',
      'measure the first so many test images (default: all)',
      wholeNumber,
    )
    .option('--restart', 'begin anew where a measurement was stopped')
    .action(gammaOfAll);
  withExamples(command, [
    'llr gamma runs/quick-start --examples 500',
    'llr gamma runs/ADV-2 runs/LLR-2 runs/ADV-20 --formats svg,png --out figure-f3',
    'llr gamma resnet50.a1_in1k --data imagenet:/data/ILSVRC2012 --epsilon 4/255 --examples 1000',
  ]);
}

async function gammaOfAll(what: string[], options: GammaOptions): Promise<void> {
  const out = output(options.json === true);
  const networks = await networksOf(what, options, out);
  const found = [];
  const files: string[] = [];
  for await (const network of networks.loaded()) {
    const { histogram, written } = await gammaOf(network, options, out);
    found.push({ name: network.shortName, path: network.name, histogram });
    files.push(...written);
  }
  const svg = gammaFigure(found);
  files.push(...(await writeForms(networks.figures, 'gamma', { svg }, options.formats)));
  if (options.json) {
    const results = found.map(({ path, histogram }) => ({ name: path, gamma: histogram }));
    process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${tableOf(found)}\n`);
  out.say(`Files: ${files.join(', ')}`);
}

async function gammaOf(network: MeasuredNetwork, options: GammaOptions, out: Output) {
  const { test, classifier, seed, folder } = network;
  const examples = Math.min(options.examples ?? test.size, test.size);
  const provenance = measurementProvenance(network, {
    examples: { of: examples },
    search: searchRecord(options),
  });
  let written: string[] = [];
  const histogram = await overImages<ExampleGamma, LocalLinearityHistogram>(
    network,
    {
      task: '√γ',
      stem: 'gamma',
      command: 'llr gamma',
      header: provenance,
      examples,
      restart: options.restart === true,
    },
    (given) =>
      withThreat(network, (threat) =>
        localLinearityHistogram({
          ...given,
          classifier,
          threat,
          seed,
          maximizer: maximizerOf(options),
        }),
      ),
    async (result) => {
      const forms = { json: { ...result, provenance }, csv: gammaCsv(result) };
      written = await writeForms(folder, 'gamma', forms, options.formats);
    },
    out,
  );
  return { histogram, written };
}

function tableOf(found: readonly { path: string; histogram: LocalLinearityHistogram }[]): string {
  const rows = found.map(({ path, histogram: { threat, examples, sqrtGamma } }) => {
    const at = (q: number) => short(sqrtGamma.quantiles.find((one) => one.q === q)!.value);
    const { length } = examples;
    return [
      path,
      epsilonText(threat.epsilon),
      length.toLocaleString('en'),
      short(sqrtGamma.mean),
      at(0.5),
      at(0.95),
      at(1),
    ];
  });
  return measurementTable(
    ['√γ(ε, x)', 'ε', 'images', 'mean', 'median', '95 % below', 'largest'],
    rows,
  );
}
