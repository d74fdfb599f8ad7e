import {
  adversarialDirection,
  departureFromPlane,
  epsilonText,
  type LossSurface,
  lossSurface,
  surfaceCsv,
  surfaceFigure,
} from '@llr/analysis';
import { type Command, InvalidArgumentError } from 'commander';
import { writeForms } from '../measure/files.ts';
import { type MeasuredNetwork, maximizerOf, networksOf, withThreat } from '../measure/networks.ts';
import { imageList, measuresNetworks, type SearchOptions, searches } from '../measure/options.ts';
import { measurementProvenance, searchRecord } from '../measure/provenance.ts';
import { type ReadImage, readImage } from '../measure/read-images.ts';
import { measurementTable, short } from '../measure/table.ts';
import { wholeNumber, withExamples } from '../options.ts';
import { type Output, output } from '../output.ts';

interface SurfaceOptions extends SearchOptions {
  image: readonly number[];
  extent: number;
  grid: number;
}

/** A surface of a network around one of the images. */
interface Found {
  name: string;
  path: string;
  label: string;
  surface: LossSurface;
}

/** `llr surface`: the loss on a plane through an image (Fig. A1). */
export function surface(program: Command): void {
  const command = searches(
    measuresNetworks(
      program
        .command('surface')
        .description(
          'draw the loss around a test image, along an adversarial and a random direction: several networks on one scale',
        ),
    ),
  )
    .option('--image <numbers>', 'which test images: 126, or 0,5,126', imageList, [0])
    .option(
      '--extent <number>',
      'how far the plane reaches each way, in units of ε',
      extentNumber,
      2,
    )
    .option('--grid <number>', 'points along each direction, odd', wholeNumber, 41)
    .action(surfacesOfAll);
  withExamples(command, [
    'llr surface runs/quick-start --image 126',
    'llr surface runs/ADV-1 runs/ADV-8 --image 126 --extent 1 --out figure-a1',
    'llr surface resnet50.a1_in1k --data imagenet:/data/ILSVRC2012 --epsilon 4/255 --image 7,8',
  ]);
}

async function surfacesOfAll(what: string[], options: SurfaceOptions): Promise<void> {
  const out = output(options.json === true);
  const networks = await networksOf(what, options, out);
  const found: Found[] = [];
  const files: string[] = [];
  for await (const network of networks.loaded()) {
    for (const index of options.image) {
      const image = await readImage(network.test, index);
      const surface = await surfaceAround(image, network, options, out);
      const label = network.test.classNames[image.label] ?? `class ${image.label}`;
      found.push({ name: network.shortName, path: network.name, label, surface });
      const provenance = measurementProvenance(network, { search: searchRecord(options) });
      const forms = { json: { ...surface, provenance }, csv: surfaceCsv(surface) };
      const stem = `surface-${index}`;
      files.push(...(await writeForms(network.folder, stem, forms, options.formats)));
    }
  }
  for (const index of options.image) {
    const around = found.filter(({ surface }) => surface.index === index);
    const svg = surfaceFigure(around, `test image ${index}, ${around[0]!.label}`);
    const stem = `surface-${index}`;
    files.push(...(await writeForms(networks.figures, stem, { svg }, options.formats)));
  }
  if (options.json) {
    const results = found.map(({ path, surface }) => ({ name: path, surface }));
    process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${tableOf(found)}\n`);
  out.say(`Files: ${files.join(', ')}`);
}

function surfaceAround(
  { index, label, image }: ReadImage,
  network: MeasuredNetwork,
  options: SurfaceOptions,
  out: Output,
): Promise<LossSurface> {
  const { classifier, seed, shortName, batchSize } = network;
  const { extent, grid } = options;
  return withThreat(network, async (threat) => {
    const at = { classifier, image, index, label, seed };
    const direction = await adversarialDirection({
      ...at,
      threat,
      maximizer: maximizerOf(options),
    });
    const bar = out.bar(`${shortName}: surface`, 'points');
    try {
      return await lossSurface({
        ...at,
        direction,
        norm: network.threat.norm,
        extent,
        grid,
        batchSize: 2 * batchSize,
        onProgress: ({ done, total }) => bar.update(done, total),
      });
    } finally {
      bar.done();
    }
  });
}

function tableOf(found: readonly Found[]): string {
  const rows = found.map(({ path, label, surface }) => {
    const { values, index, epsilon, random, adversarial } = surface;
    const all = values.flat();
    const centre = values[(random.length - 1) / 2]![(adversarial.length - 1) / 2]!;
    return [
      path,
      `${index}, ${label}`,
      epsilonText(epsilon),
      short(centre),
      short(Math.min(...all)),
      short(Math.max(...all)),
      short(departureFromPlane(surface)),
    ];
  });
  return measurementTable(
    ['loss around', 'test image', 'ε', 'at it', 'lowest', 'highest', 'off the plane'],
    rows,
  );
}

function extentNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('It must be a number above 0, in units of ε.');
  }
  return value;
}
