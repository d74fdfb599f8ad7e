import { type PublishedRow, publishedTables } from '@llr/train';
import { claimOf, higher } from './claims.ts';
import { type ReproducedRow, tableArtefact } from './table.ts';

const source = 'F.2, Table F2';

const isLlr = ({ variant }: PublishedRow) => variant.startsWith('LLR');
const networkOf = ({ preset }: PublishedRow) =>
  preset.startsWith('cifar10-wrn-28') ? 'WRN-28-8' : 'WRN-40-8';

const labelOf = (row: PublishedRow) =>
  isLlr(row)
    ? `${networkOf(row)}: LLR (${row.head.join(', ')})`
    : `${networkOf(row)}: TRADES ${row.head[0]}`;

/** The sweep of weights of LLR and TRADES. */
export const tableF2 = tableArtefact({
  name: 'table-f2',
  title: 'the sweep of LLR’s and TRADES’s weights',
  table: publishedTables.f2,
  labelOf,
  claims: (rows) =>
    ['WRN-28-8', 'WRN-40-8'].map((network) => {
      const of = rows.filter(({ row }) => networkOf(row) === network);
      const llr = bestOf(of.filter(({ row }) => isLlr(row)));
      const trades = bestOf(of.filter(({ row }) => !isLlr(row)));
      const named = ({ label, evaluation }: ReproducedRow) => ({ name: label, evaluation });
      return claimOf(`${network}: the best LLR is more robust than the best TRADES`, source, [
        higher(named(llr), named(trades), 'PGD-50'),
      ]);
    }),
  notes: [
    'The second number of LLR is μ/λ. The best rows are chosen by robust accuracy on the validation images, and compared on the test images.',
  ],
});

/** By the validation's robust accuracy after the last epoch. */
const bestOf = (rows: readonly ReproducedRow[]): ReproducedRow =>
  rows.reduce((best, row) => (row.network.validation > best.network.validation ? row : best));
