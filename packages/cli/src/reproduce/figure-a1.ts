import { departureFromPlane, type LossSurface, lossSurface, surfaceFigure } from '@llr/analysis';
import { type AdversarialExample, pgd } from '@llr/attacks';
import type { Artefact } from './artefact.ts';
import { attackImages, rightForAll } from './attack-images.ts';
import { claimOf } from './claims.ts';
import type { ReadyNetwork } from './laboratory.ts';
import { larger } from './paired-mean.ts';
import { writeFigure } from './write-figure.ts';

const source = 'A, Figure A1';
/** The image of the figure, in the test set. */
const ofFigure = 126;
/** So many, from that one on, are looked at for the claim. */
const candidates = 32;
const steps = 20;

const preset = 'cifar10-wrn-28-10-adv-steps';
const each = { preset, columns: [], gradients: { inAll: candidates * steps } } as const;
const networks = [
  { ...each, variant: 'ADV-1' },
  { ...each, variant: 'ADV-8' },
] as const;

interface Departures {
  name: string;
  values: number[];
}

/** The loss on a plane around an image. */
export const figureA1: Artefact = {
  name: 'figure-a1',
  title: 'Figure A1: the loss around an image',
  needs: () => networks,
  reproduce: async (laboratory) => {
    const found = [];
    for (const choice of networks) {
      const network = await laboratory.trained(choice);
      const attack = pgd({ steps, stepSize: network.threat.epsilon / 5 });
      const attacked = await attackImages(network, attack, { from: ofFigure, count: candidates });
      found.push({ name: choice.variant, network, attacked });
    }
    const rows = rightForAll(found.map(({ attacked }) => attacked));
    const shown = rows[0]!;
    laboratory.out.say(`Loss surfaces around ${rows.length} images …`);
    const departures: Departures[] = [];
    for (const { name, network, attacked } of found) {
      const values = [];
      for (const row of rows) {
        values.push(departureFromPlane(await surfaceAround(network, attacked[row]!, 11)));
      }
      departures.push({ name, values });
    }
    const surfaces = [];
    for (const { name, network, attacked } of found) {
      surfaces.push({ name, surface: await surfaceAround(network, attacked[shown]!, 33) });
    }
    const { index, label } = found[0]!.attacked[shown]!;
    const image = `test image ${index}, ${found[0]!.network.test.classNames[label]}`;
    const [few, many] = departures as [Departures, Departures];
    return {
      rows: [],
      measures: [
        {
          what: `departure from the best plane, image ${index}`,
          values: Object.fromEntries(
            surfaces.map(({ name, surface }) => [name, departureFromPlane(surface)]),
          ),
        },
      ],
      claims: [
        claimOf('More PGD steps make the loss surface smoother', source, [
          larger(few, many, 'departure of the loss from the plane that fits best, within ε'),
        ]),
      ],
      figures: await writeFigure(
        laboratory.directory,
        'figure-a1',
        surfaceFigure(surfaces, image),
        `The loss around ${image}, of ${surfaces.map(({ name }) => name).join(' and ')}`,
      ),
      notes: [
        index === ofFigure
          ? `Around test image ${ofFigure}, as in the paper; the claim by it and those after it.`
          : `Around test image ${index}: ${ofFigure}, the paper's, is not right for both networks.`,
      ],
    };
  },
};

const surfaceAround = (
  { classifier, seed }: ReadyNetwork,
  { image, label, perturbation }: AdversarialExample,
  grid: number,
): Promise<LossSurface> =>
  lossSurface({ classifier, image, label, direction: perturbation, extent: 1, grid, seed });
