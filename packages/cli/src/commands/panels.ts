import { type Panel, panelsFigure, panels as panelsOf } from '@llr/analysis';
import { type AdversarialExample, adversarialExamples } from '@llr/attacks';
import type { Attack } from '@llr/core';
import { subset } from '@llr/datasets';
import { type Command, Option } from 'commander';
import { type AttackName, attackNamed, attackNames } from '../eval/named-attacks.ts';
import { writeForms } from '../measure/files.ts';
import { type MeasuredNetwork, networksOf, withThreat } from '../measure/networks.ts';
import { imageList, type MeasureOptions, measuresNetworks } from '../measure/options.ts';
import { measurementProvenance } from '../measure/provenance.ts';
import { imageAt } from '../measure/read-images.ts';
import { measurementTable } from '../measure/table.ts';
import { wholeNumber, withExamples } from '../options.ts';
import { type Output, output } from '../output.ts';

interface PanelsOptions extends MeasureOptions {
  images?: readonly number[];
  count: number;
  columns: number;
  attack: AttackName;
  steps: number;
  restarts?: number;
}

/** What an attack made of the same images for a network. */
interface Attacked {
  network: MeasuredNetwork;
  attack: Attack;
  examples: readonly AdversarialExample[];
}

/** `llr panels`: attacked images, side by side (Figs. F2, F4). */
export function panels(program: Command): void {
  const command = measuresNetworks(
    program
      .command('panels')
      .description(
        'draw test images, what an attack makes of them, and the perturbation, with labels and predictions; the same images for several networks',
      ),
  )
    .option(
      '--images <numbers>',
      'which test images: 0,5,126 (default: the first that all networks get right unperturbed)',
      imageList,
    )
    .option('--count <number>', 'how many, where they are not named', wholeNumber, 8)
    .option('--columns <number>', 'images in a row', wholeNumber, 2)
    .addOption(
      new Option('--attack <name>', 'what attacks them').choices(attackNames).default('pgd'),
    )
    .option('--steps <number>', 'of the attack', wholeNumber, 50)
    .option('--restarts <number>', 'random starts of the attack', wholeNumber)
    .action(panelsOfAll);
  withExamples(command, [
    'llr panels runs/quick-start',
    'llr panels runs/ADV-2 runs/LLR-2 --images 126 --out figure-f2',
    'llr panels resnet50.a1_in1k --data imagenet:/data/ILSVRC2012 --epsilon 16/255 --attack random-targeted --images 7',
  ]);
}

async function panelsOfAll(what: string[], options: PanelsOptions): Promise<void> {
  const out = output(options.json === true);
  const networks = await networksOf(what, options, out);
  const attacked: Attacked[] = [];
  for await (const network of networks.loaded()) {
    attacked.push(await attackedBy(network, options, out));
  }
  const rows = options.images ? [...options.images.keys()] : rowsToShow(attacked, options.count);
  const found = attacked.map((one) => ({ ...one, panels: drawn(one, rows) }));
  const files: string[] = [];
  for (const { network, attack, panels } of found) {
    const { name, runs: _, ...rest } = attack;
    const provenance = measurementProvenance(network, {
      attack: { name, settings: JSON.parse(JSON.stringify(rest.settings ?? null)) as unknown },
    });
    const json = {
      threat: provenance.threat,
      seed: network.seed,
      attack: name,
      panels,
      provenance,
    };
    files.push(...(await writeForms(network.folder, 'panels', { json }, options.formats)));
  }
  const svg = panelsFigure(
    found.map(({ network, panels }) => ({ name: network.shortName, panels })),
    options.columns,
  );
  files.push(...(await writeForms(networks.figures, 'panels', { svg }, options.formats)));
  if (options.json) {
    const results = found.map(({ network, panels }) => ({ name: network.name, panels }));
    process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${tableOf(found)}\n`);
  out.say(`Files: ${files.join(', ')}`);
}

/** Candidates are four times as many as are shown: networks get some of them wrong. */
async function attackedBy(
  network: MeasuredNetwork,
  options: PanelsOptions,
  out: Output,
): Promise<Attacked> {
  const { classifier, test, seed, batchSize, shortName } = network;
  const { epsilon } = network.threat;
  const { images, count, steps, restarts } = options;
  const attack = attackNamed(options.attack, { epsilon, steps, restarts });
  const sources = images
    ? images.map((index) => imageAt(test, index))
    : [subset(test, { size: Math.min(4 * count, test.size) })];
  out.say(`${shortName}: ${attack.name} on ${images?.length ?? sources[0]!.size} images`);
  const examples = await withThreat(network, async (threat) => {
    const found = [];
    for (const data of sources) {
      found.push(
        ...(await adversarialExamples({ classifier, data, attack, threat, seed, batchSize })),
      );
    }
    return found;
  });
  return { network, attack, examples };
}

/** The first that every network gets right unperturbed; the very first if there are none. */
function rowsToShow(attacked: readonly Attacked[], count: number): number[] {
  const rows = [...attacked[0]!.examples.keys()];
  const right = rows.filter((row) =>
    attacked.every(({ examples }) => {
      const { prediction, label } = examples[row]!;
      return prediction === label;
    }),
  );
  return (right.length > 0 ? right : rows).slice(0, count);
}

const drawn = (
  { network: { test, threat }, examples }: Attacked,
  rows: readonly number[],
): Panel[] =>
  panelsOf({
    inputShape: test.inputShape,
    classNames: test.classNames,
    epsilon: largestChange(threat, examples),
    examples: rows.map((row) => examples[row]!),
  });

/** What is drawn black or white: ε of an ℓ∞ ball; in an ℓ2 ball single pixels change by less, each network's by its own. */
function largestChange(
  { norm, epsilon }: MeasuredNetwork['threat'],
  examples: readonly AdversarialExample[],
): number {
  if (norm === 'linf') return epsilon;
  let largest = 0;
  for (const { perturbation } of examples) {
    for (const change of perturbation) largest = Math.max(largest, Math.abs(change));
  }
  return largest || epsilon;
}

function tableOf(found: readonly { network: MeasuredNetwork; panels: readonly Panel[] }[]): string {
  const rows = found.flatMap(({ network, panels }) =>
    panels.map(({ index, label, prediction, adversarialPrediction }) => [
      network.name,
      String(index),
      label,
      prediction,
      adversarialPrediction,
    ]),
  );
  return measurementTable(['network', 'image', 'label', 'prediction', 'adversarial'], rows);
}
