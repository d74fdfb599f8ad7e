import { neighbourCorrelation, panels, panelsFigure } from '@llr/analysis';
import { type AdversarialExample, untargeted } from '@llr/attacks';
import type { Artefact } from './artefact.ts';
import { attackImages, rightForAll } from './attack-images.ts';
import { claimOf } from './claims.ts';
import type { ReadyNetwork } from './laboratory.ts';
import { larger } from './paired-mean.ts';
import { writeFigure } from './write-figure.ts';

const source = 'F.4, Figure F2';
const candidates = 128;
const shownImages = 4;
const steps = 50;

const few = {
  preset: 'cifar10-wrn-28-8-few-steps',
  columns: [],
  gradients: { inAll: candidates * steps },
} as const;
const networks = [
  { ...few, variant: 'ADV-2' },
  { ...few, variant: 'LLR-2' },
] as const;

/** What perturbations of two networks look like. */
export const figureF2: Artefact = {
  name: 'figure-f2',
  title: 'Figure F2: perturbations of ADV-2 and LLR-2',
  needs: () => networks,
  reproduce: async (laboratory) => {
    const found: { name: string; network: ReadyNetwork; attacked: AdversarialExample[] }[] = [];
    for (const choice of networks) {
      const network = await laboratory.trained(choice);
      const attack = untargeted({ name: 'pgd-50', steps, stepSize: 0.1 });
      const attacked = await attackImages(network, attack, { count: candidates });
      found.push({ name: choice.variant, network, attacked });
    }
    const right = rightForAll(found.map(({ attacked }) => attacked));
    const broken = right.filter((row) => found.every(({ attacked }) => isBroken(attacked[row]!)));
    const shown = [...broken, ...right].slice(0, shownImages);
    const { test } = found[0]!.network;
    const drawn = found.map(({ name, network, attacked }) => ({
      name,
      panels: panels({
        inputShape: test.inputShape,
        classNames: test.classNames,
        epsilon: network.threat.epsilon,
        examples: shown.map((row) => attacked[row]!),
      }),
    }));
    const alike = found.map(({ name, attacked }) => ({
      name,
      values: right.map((row) => likeness(attacked[row]!, test.inputShape)),
    }));
    const both = right.flatMap((_, i) =>
      alike.every(({ values }) => values[i] !== null) ? [i] : [],
    );
    const [adv, llr] = alike.map(({ name, values }) => ({
      name,
      values: both.map((i) => values[i]!),
    }));
    return {
      rows: [],
      measures: [],
      claims: [
        claimOf('Perturbations of ADV-2 look like random noise, those of LLR-2 do not', source, [
          larger(
            llr!,
            adv!,
            'correlation of neighbouring pixels of the perturbation (0 for noise)',
          ),
        ]),
      ],
      figures: await writeFigure(
        laboratory.directory,
        'figure-f2',
        panelsFigure(drawn),
        `Images, attacked images and perturbations of ${drawn.map(({ name }) => name).join(' and ')}`,
      ),
      notes: [
        `50 steps of PGD. Shown are the first ${shown.length} test images that both networks get right and the attack breaks for both, as far as there are; the claim is by all of the first ${candidates} that both get right.`,
      ],
    };
  },
};

const isBroken = ({ label, adversarialPrediction }: AdversarialExample) =>
  adversarialPrediction !== label;

const likeness = (
  { image, perturbation }: AdversarialExample,
  shape: readonly [number, number, number],
) => neighbourCorrelation(image, perturbation, shape);
