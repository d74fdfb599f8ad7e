import { gammaFigure, type LocalLinearityHistogram } from '@llr/analysis';
import type { Artefact } from './artefact.ts';
import { claimOf } from './claims.ts';
import { gammaOf } from './gamma-of.ts';
import { larger, nearer } from './paired-mean.ts';
import { writeFigure } from './write-figure.ts';

const source = 'F.4, Figure F3';

const few = {
  preset: 'cifar10-wrn-28-8-few-steps',
  columns: [],
  gradients: { perImage: 51 },
} as const;

/** In the figure's order: orange, blue and green there. */
const networks = [
  { ...few, variant: 'LLR-2' },
  { ...few, variant: 'ADV-2' },
  { ...few, preset: 'cifar10-wrn-28-8-adv-20', variant: 'ADV-20' },
] as const;

interface Found {
  name: string;
  histogram: LocalLinearityHistogram;
  /** √γ of each image. */
  values: number[];
}

/** How √γ(ε, x) is spread over the test set. */
export const figureF3: Artefact = {
  name: 'figure-f3',
  title: 'Figure F3: √γ(ε, x) over the test set',
  needs: () => networks,
  reproduce: async (laboratory) => {
    const found: Found[] = [];
    for (const choice of networks) {
      const histogram = await gammaOf(await laboratory.trained(choice), laboratory);
      const values = histogram.examples.map(({ gamma }) => Math.sqrt(gamma));
      found.push({ name: choice.variant, histogram, values });
    }
    const [llr2, adv2, adv20] = found as [Found, Found, Found];
    const figures = await writeFigure(
      laboratory.directory,
      'figure-f3',
      gammaFigure(found),
      `Histograms of √γ of ${found.map(({ name }) => name).join(', ')}`,
    );
    const quantile = (q: number) =>
      Object.fromEntries(
        found.map(({ name, histogram }) => [
          name,
          histogram.sqrtGamma.quantiles.find((each) => each.q === q)!.value,
        ]),
      );
    return {
      rows: [],
      measures: [
        { what: 'median √γ', values: quantile(0.5) },
        { what: '95 % of √γ are below', values: quantile(0.95) },
      ],
      claims: [
        claimOf(
          'γ after LLR with 2 steps is spread like after ADV with 20, that of ADV-2 is not',
          source,
          [nearer(llr2, adv2, adv20, '√γ')],
        ),
        claimOf('ADV-2 has higher γ than ADV-20', source, [larger(adv2, adv20, '√γ')]),
        claimOf('and than LLR-2', source, [larger(adv2, llr2, '√γ')]),
      ],
      figures,
      notes: ['50 Adam steps of 0.1 on g, the largest seen: a lower bound of the true maximum.'],
    };
  },
};
