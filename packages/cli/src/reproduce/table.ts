import type { Evaluation } from '@llr/attacks';
import type { PublishedColumn, PublishedRow, PublishedTable } from '@llr/train';
import type { Artefact } from './artefact.ts';
import { measured } from './columns.ts';
import type { Claim, Row } from './findings.ts';
import type { ReadyNetwork } from './laboratory.ts';

/** A row of the paper's with the network that was trained for it. */
export interface ReproducedRow {
  row: PublishedRow;
  label: string;
  network: ReadyNetwork;
  evaluation: Evaluation;
}

/** A table of the paper's supplement: its networks are trained and attacked, and the numbers stand side by side. */
export function tableArtefact({
  name,
  title,
  table,
  labelOf,
  claims,
  notes = [],
}: {
  name: string;
  title: string;
  table: PublishedTable;
  labelOf: (row: PublishedRow) => string;
  claims: (rows: readonly ReproducedRow[]) => Claim[];
  notes?: string[];
}): Artefact {
  const columnsOf = ({ values }: PublishedRow) => Object.keys(values) as PublishedColumn[];
  return {
    name,
    title: `${table.place}: ${title}`,
    needs: () => table.rows.map((row) => ({ ...row, columns: columnsOf(row) })),
    reproduce: async (laboratory) => {
      const rows: ReproducedRow[] = [];
      for (const row of table.rows) {
        const network = await laboratory.trained(row);
        const evaluation = await laboratory.evaluated(row);
        rows.push({ row, label: labelOf(row), network, evaluation });
      }
      return { rows: rows.map(rowOf), measures: [], claims: claims(rows), figures: [], notes };
    },
  };
}

function rowOf({ row, label, network, evaluation }: ReproducedRow): Row {
  const cells = Object.entries(row.values).map(([key, paper]) => {
    const column = key as PublishedColumn;
    const ours = measured(evaluation, column);
    return { column, paper, ours, difference: 100 * ours.value - paper };
  });
  return { label, network: network.id, cells };
}
