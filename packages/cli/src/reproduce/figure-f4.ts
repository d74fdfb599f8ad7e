import { panels, panelsFigure } from '@llr/analysis';
import { type AdversarialExample, randomTargeted } from '@llr/attacks';
import type { Scale } from '@llr/train';
import type { Artefact } from './artefact.ts';
import { attackImages, rightForAll } from './attack-images.ts';
import { claimOf } from './claims.ts';
import { writeFigure } from './write-figure.ts';

const source = 'F.5, Figure F4';

const candidates = 32;
const images = 2;
const targets = 3;
const steps = 200;

/**
 * At the paper's scale the network for 16/255. In miniature that for 4/255, which Table F3 has too, attacked with four times
 * its radius: all miniatures are trained for one radius.
 */
const networkFor = (scale: Scale) =>
  ({
    preset: scale === 'paper' ? 'imagenet-16-llr' : 'imagenet-4-llr',
    variant: 'LLR',
    columns: [],
    gradients: { inAll: targets * candidates * steps },
  }) as const;
const timesTrained = (scale: Scale) => (scale === 'paper' ? 1 : 4);

/** What perturbations of the large radius do to an image. */
export const figureF4: Artefact = {
  name: 'figure-f4',
  title: 'Figure F4: adversarially perturbed images for the large radius',
  needs: (scale) => [networkFor(scale)],
  reproduce: async (laboratory) => {
    const { scale, directory } = laboratory;
    const network = await laboratory.trained(networkFor(scale));
    const epsilon = timesTrained(scale) * network.threat.epsilon;
    const attack = randomTargeted({ steps, stepSize: epsilon / 10 });
    const draws: AdversarialExample[][] = [];
    for (let draw = 0; draw < targets; draw++) {
      draws.push(await attackImages(network, attack, { count: candidates, epsilon, draw }));
    }
    const right = rightForAll(draws);
    const held = right.filter((row) =>
      draws.every((drawn) => drawn[row]!.adversarialPrediction === drawn[row]!.label),
    );
    const { inputShape, classNames } = network.test;
    const examples = right.slice(0, images).flatMap((row) => draws.map((drawn) => drawn[row]!));
    const svg = panelsFigure(
      [{ name: 'LLR', panels: panels({ inputShape, classNames, epsilon, examples }) }],
      1,
    );
    return {
      rows: [],
      measures: [],
      claims: [
        claimOf(
          'With the large radius objects can be wiped out and faint images added: it changes what people see',
          source,
          [
            {
              outcome: 'for the eye',
              evidence: `${held.length} of ${right.length} images that are right unperturbed stay so under ${targets} random targets with ε = ${Number(epsilon.toPrecision(3))}; what they look like is in the figure`,
            },
          ],
        ),
      ],
      figures: await writeFigure(
        directory,
        'figure-f4',
        svg,
        `Images, perturbed towards ${targets} random classes each with ε = ${Number(epsilon.toPrecision(3))}, and the perturbations`,
      ),
      notes:
        timesTrained(scale) === 1
          ? []
          : [
              `The network of Table F3, trained for ε = ${network.threat.epsilon}, attacked with ${timesTrained(scale)} times that, as 16/255 is to 4/255.`,
            ],
    };
  },
};
