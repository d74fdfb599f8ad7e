import { publishedTables } from '@llr/train';
import { above, below, claimOf, higher } from './claims.ts';
import { measured } from './columns.ts';
import { type ReproducedRow, tableArtefact } from './table.ts';

const source = 'F.4, Table F4';
const strong = 'Multi-Targeted';

/** Few steps: adversarial training collapses, LLR does not. */
export const tableF4 = tableArtefact({
  name: 'table-f4',
  title: 'resistance to gradient obfuscation, one and two inner steps',
  table: publishedTables.f4,
  labelOf: ({ variant }) => variant,
  claims: (rows) => {
    const of = (label: string) => rows.find((row) => row.label === label)!;
    const share = (label: string) => measured(of(label).evaluation, strong);
    const named = (label: string) => ({ name: label, evaluation: of(label).evaluation });
    const chance = chanceOf(rows);
    return [
      claimOf('ADV with one or two steps collapses under the strong attack', source, [
        below('ADV-1', share('ADV-1'), chance),
        below('ADV-2', share('ADV-2'), chance),
      ]),
      claimOf('LLR with two steps does not', source, [above('LLR-2', share('LLR-2'), chance)]),
      claimOf('LLR with two steps is more robust than ADV with two', source, [
        higher(named('LLR-2'), named('ADV-2'), strong),
      ]),
      claimOf('Even LLR with one step is right on some attacked images', source, [
        above('LLR-1', share('LLR-1'), 0),
      ]),
    ];
  },
});

/** What guessing gets right: a network below it has collapsed. */
export const chanceOf = ([row]: readonly ReproducedRow[]): number => 1 / row!.evaluation.classes;
