import type { ModelConfig } from '../configured-classifier.ts';
import type { Padding } from '../layers/padding.ts';
import type { Layout } from './layout.ts';

/** The names that some code gives to the weights of one of this package's networks, and how it lays them out. */
export interface Naming {
  /** In errors: “under …”. */
  readonly title: string;
  readonly layout: Layout;
  /** The network these are the names of; any, where undefined. */
  readonly architecture?: ModelConfig['architecture'];
  /** How that code's strided convolutions pad. */
  readonly padding?: Padding;
  /** The variable that such a name stands for. */
  ownName(theirs: string): string | undefined;
  /** The name of a variable. */
  theirName(own: string): string | undefined;
  /** Whether such a file may hold what its network never uses. */
  unused(theirs: string): boolean;
}

/**
 * A variable's name here and there. `<1>` stands for a number counted from 1, `<0>` for one counted from 0;
 * both names have the same numbers in the same order.
 */
export type Pair = readonly [own: string, theirs: string];

export const convolution = (own: string, theirs: string): Pair[] => [
  [`${own}/filter`, `${theirs}.weight`],
];

export const norm = (own: string, theirs: string): Pair[] => [
  [`${own}/scale`, `${theirs}.weight`],
  [`${own}/offset`, `${theirs}.bias`],
  [`${own}/running-mean`, `${theirs}.running_mean`],
  [`${own}/running-variance`, `${theirs}.running_var`],
];

export const dense = (own: string, theirs: string): Pair[] => [
  [`${own}/weights`, `${theirs}.weight`],
  [`${own}/bias`, `${theirs}.bias`],
];

/** PyTorch's names of a network. */
export function pytorchNaming(
  options: Pick<Naming, 'title'> &
    Required<Pick<Naming, 'architecture' | 'padding'>> & {
      pairs: readonly Pair[];
      unused?: (theirs: string) => boolean;
    },
): Naming {
  const { pairs, unused = () => false, ...rest } = options;
  return {
    ...rest,
    layout: 'pytorch',
    ownName: translator(pairs.map(([own, theirs]) => [theirs, own])),
    theirName: translator(pairs),
    // Batch norm counts its batches for an average that nobody uses.
    unused: (name) => name.endsWith('.num_batches_tracked') || unused(name),
  };
}

/** From the first name of a pair to the second. */
function translator(pairs: readonly Pair[]): (name: string) => string | undefined {
  const rules = pairs.map(([from, to]) => ({ ...matcher(from), to }));
  return (name) => {
    for (const { pattern, bases, to } of rules) {
      const match = pattern.exec(name);
      if (!match) continue;
      let next = 0;
      return to.replace(placeholder, (_, base: string) => {
        const fromZero = Number(match[next + 1]) - bases[next]!;
        next++;
        return String(fromZero + Number(base));
      });
    }
    return undefined;
  };
}

const placeholder = /<([01])>/g;

function matcher(template: string): { pattern: RegExp; bases: number[] } {
  const bases = [...template.matchAll(placeholder)].map(([, base]) => Number(base));
  const parts = template.split(/<[01]>/).map((part) => part.replaceAll('.', '\\.'));
  // A 0 where numbers count from 1 is a name of something else.
  const source = parts.reduce(
    (whole, part, i) => `${whole}${bases[i - 1] === 1 ? '([1-9]\\d*)' : '(0|[1-9]\\d*)'}${part}`,
  );
  return { pattern: new RegExp(`^${source}$`), bases };
}
