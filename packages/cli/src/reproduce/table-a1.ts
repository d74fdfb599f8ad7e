import { publishedTables } from '@llr/train';
import { above, below, claimOf, higher } from './claims.ts';
import { measured } from './columns.ts';
import { tableArtefact } from './table.ts';
import { chanceOf } from './table-f4.ts';

const source = 'A, Table A1';
const strong = 'Multi-Targeted';

/** Adversarial training with 1 to 16 steps. */
export const tableA1 = tableArtefact({
  name: 'table-a1',
  title: 'adversarial training with 1 to 16 steps of PGD',
  table: publishedTables.a1,
  labelOf: ({ variant }) => variant,
  claims: (rows) => {
    const of = (label: string) => rows.find((row) => row.label === label)!;
    const share = (label: string) => measured(of(label).evaluation, strong);
    const chance = chanceOf(rows);
    return [
      claimOf('Networks trained with 1 and 2 steps collapse under the strong attack', source, [
        below('ADV-1', share('ADV-1'), chance),
        below('ADV-2', share('ADV-2'), chance),
      ]),
      claimOf(
        'Those trained with 4, 8 and 16 do not',
        source,
        ['ADV-4', 'ADV-8', 'ADV-16'].map((label) => above(label, share(label), chance)),
      ),
      claimOf(
        'More steps make a more robust network',
        source,
        [
          ['ADV-4', 'ADV-2'],
          ['ADV-16', 'ADV-1'],
        ].map(([more, fewer]) =>
          higher(
            { name: more!, evaluation: of(more!).evaluation },
            { name: fewer!, evaluation: of(fewer!).evaluation },
            strong,
          ),
        ),
      ),
    ];
  },
});
