import { threatText } from '../threat-text.ts';
import type { BoardEntry } from './input.ts';

/** Networks whose numbers can be set against one another: the same data and the same threat model. */
export interface BoardGroup {
  /** "cifar10, test, ℓ∞, ε = 8/255". */
  name: string;
  /** The highest worst case first. */
  rows: { rank: number; entry: BoardEntry }[];
}

/** Sorted by their names; networks with the same worst case share a rank. */
export function groupsOf(entries: readonly BoardEntry[]): BoardGroup[] {
  const names = [...new Set(entries.map(groupName))].sort();
  return names.map((name) => {
    const sorted = entries
      .filter((entry) => groupName(entry) === name)
      .sort((a, b) => robust(b) - robust(a) || (a.name < b.name ? -1 : 1));
    return {
      name,
      rows: sorted.map((entry) => ({
        entry,
        rank: 1 + sorted.filter((other) => robust(other) > robust(entry)).length,
      })),
    };
  });
}

const robust = ({ evaluation }: BoardEntry): number => evaluation.robust.value;

function groupName({ evaluation: { data, threat } }: BoardEntry): string {
  // "test[0:500]" is a part of the same images.
  return `${data.replace(/\[.*$/, '')}, ${threatText(threat)}`;
}
