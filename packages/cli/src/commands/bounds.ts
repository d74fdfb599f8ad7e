import {
  type BoundsReport,
  boundsCsv,
  boundsFigure,
  boundsReport,
  type MeasuredBounds,
  type PropositionReport,
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

interface BoundsOptions extends SearchOptions {
  examples?: number;
  restart?: boolean;
}

/** `llr bounds`: Props. 4.1, C.1 and C.2 over a test set. */
export function bounds(program: Command): void {
  const command = searches(
    measuresNetworks(
      program
        .command('bounds')
        .description(
          "check the paper's inequalities (Props. 4.1, C.1, C.2) around test images: both sides, slack, violations; goes on where it was stopped",
        ),
    ),
  )
    .option('--examples <number>', 'check the first so many test images', wholeNumber, 200)
    .option('--restart', 'begin anew where a measurement was stopped')
    .action(boundsOfAll);
  withExamples(command, [
    'llr bounds runs/quick-start/LLR',
    'llr bounds runs/quick-start --examples 1000 --formats json,csv',
  ]);
}

async function boundsOfAll(what: string[], options: BoundsOptions): Promise<void> {
  const out = output(options.json === true);
  const networks = await networksOf(what, options, out);
  const found = [];
  for await (const network of networks.loaded()) {
    const { report, written } = await boundsOf(network, options, out);
    found.push({ name: network.name, report });
    if (options.json) continue;
    process.stdout.write(`${tableOf(network.name, report)}\n`);
    out.say(`Files: ${written.join(', ')}`);
  }
  if (options.json) {
    const results = found.map(({ name, report }) => ({ name, bounds: report }));
    process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  }
  const violations = found.flatMap(({ name, report }) => violationsOf(name, report));
  if (violations.length > 0) throw new Error(violations.join('\n'));
}

async function boundsOf(network: MeasuredNetwork, options: BoundsOptions, out: Output) {
  const { test, classifier, seed, folder, shortName } = network;
  const examples = Math.min(options.examples ?? test.size, test.size);
  const provenance = measurementProvenance(network, {
    examples: { of: examples },
    search: searchRecord(options),
  });
  let written: string[] = [];
  const report = await overImages<MeasuredBounds, BoundsReport>(
    network,
    {
      task: 'bounds',
      stem: 'bounds',
      command: 'llr bounds',
      header: provenance,
      examples,
      restart: options.restart === true,
    },
    (given) =>
      withThreat(network, (threat) =>
        boundsReport({ ...given, classifier, threat, seed, maximizer: maximizerOf(options) }),
      ),
    async (result) => {
      const forms = {
        json: { ...result, provenance },
        csv: boundsCsv(result),
        svg: boundsFigure(shortName, result),
      };
      written = await writeForms(folder, 'bounds', forms, options.formats);
    },
    out,
  );
  return { report, written };
}

function tableOf(name: string, { propositions, examples }: BoundsReport): string {
  const rows = propositions.map(({ name: proposition, formula, loss, quantiles, violations }) => {
    const at = (q: number) => short(quantiles.find((one) => one.q === q)!.value);
    return [
      `${proposition}: ${formula.left} ≤ ${formula.right}`,
      loss,
      at(0),
      at(0.05),
      at(0.5),
      violations.length === 0 ? 'none' : `${violations.length} images`,
    ];
  });
  return measurementTable(
    [
      `${name}, ${examples.length.toLocaleString('en')} images`,
      'loss',
      'least slack',
      '5 % below',
      'median',
      'violated',
    ],
    rows,
  );
}

/** "Prop. C.1 is VIOLATED …", each with its worst example. */
function violationsOf(network: string, { propositions }: BoundsReport): string[] {
  return propositions
    .filter(({ violations }) => violations.length > 0)
    .map(({ name, violations, pairs }: PropositionReport) => {
      const worst = pairs.filter(({ holds }) => !holds).sort((a, b) => a.slack - b.slack)[0]!;
      return `${name} is VIOLATED by ${network} for ${violations.length} image${violations.length === 1 ? '' : 's'}, worst for image ${worst.index} with the ${worst.perturbation} δ: ${worst.left} is not at most ${worst.right}. It is proven, so what is wrong is the arithmetic: a part of the network that can't be differentiated twice, or numbers too large for float32.`;
    });
}
