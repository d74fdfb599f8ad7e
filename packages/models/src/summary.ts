import type { InputShape } from './options.ts';

/** One layer of a network: what it is, and what it costs for one image. */
export interface LayerSummary {
  readonly name: string;
  /** For people, `convolution 3x3/2`. */
  readonly kind: string;
  /** `[h, w, c]`, or `[units]` of a dense layer. */
  readonly outputShape: readonly number[];
  /** Trainable numbers. */
  readonly parameters: number;
  /** Multiplications with an addition in one forward pass; those of convolutions and dense layers alone. */
  readonly multiplyAdds: number;
}

/** The layers of a network and their sums; as a string, a table. */
export interface ModelSummary {
  readonly name: string;
  readonly inputShape: InputShape;
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  /** What tables of networks call FLOPs; floating-point operations are twice as many. */
  readonly multiplyAdds: number;
  toString(): string;
}

export function summaryOf(
  name: string,
  inputShape: InputShape,
  layers: readonly LayerSummary[],
): ModelSummary {
  const sum = (part: 'parameters' | 'multiplyAdds') =>
    layers.reduce((total, layer) => total + layer[part], 0);
  const [parameters, multiplyAdds] = [sum('parameters'), sum('multiplyAdds')];
  return {
    name,
    inputShape,
    layers,
    parameters,
    multiplyAdds,
    toString: () =>
      tableOf([
        ['layer', 'kind', 'output', 'parameters', 'multiply-adds'],
        ['images', '', inputShape.join(' x '), '', ''],
        ...layers.map(rowOf),
        [name, '', '', grouped(parameters), grouped(multiplyAdds)],
      ]),
  };
}

const grouped = (count: number): string => count.toLocaleString('en');

const rowOf = ({ name, kind, outputShape, parameters, multiplyAdds }: LayerSummary): string[] => [
  name,
  kind,
  outputShape.join(' x '),
  grouped(parameters),
  multiplyAdds === 0 ? '' : grouped(multiplyAdds),
];

/** Words to the left, numbers to the right. */
function tableOf(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
