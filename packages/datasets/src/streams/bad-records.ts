import { randomSource } from '@llr/core';

/** A damaged record that another one stood in for. */
export interface BadRecord {
  readonly index: number;
  /** The file, the place in it, and what is wrong. */
  readonly message: string;
}

/** How often another substitute is drawn when one is damaged as well. */
const mostSubstitutes = 16;

/**
 * The position, from 0 to `size` − 1, of what stands in for a damaged record: a function of (seed, epoch, index).
 *
 * @param attempt - how many substitutes before this one were damaged as well
 * @returns undefined when too many were
 */
export function substitute(
  index: number,
  size: number,
  { seed, epoch, attempt }: { seed: number; epoch: number; attempt: number },
): number | undefined {
  if (attempt >= mostSubstitutes) return undefined;
  const random = randomSource(seed).fork('substitute', epoch, attempt).forExamples([index]);
  return random.integers([1], size)[0]!;
}

/** The damaged records that were met, each once, and how many there may be. */
export class BadRecords {
  readonly #found = new Map<number, BadRecord>();
  readonly #most: number;
  readonly #source: string;
  readonly #notify: (record: BadRecord) => void;

  constructor(source: string, most: number, notify: (record: BadRecord) => void) {
    this.#source = source;
    this.#most = most;
    this.#notify = notify;
  }

  list(): BadRecord[] {
    return [...this.#found.values()];
  }

  /** @throws when there are more than may be */
  add(record: BadRecord): void {
    const isNew = !this.#found.has(record.index);
    if (isNew) this.#found.set(record.index, record);
    if (this.#found.size > this.#most) {
      throw new Error(
        `${this.#source}: ${this.#found.size} damaged records, more than maxBadFraction allows (${Math.floor(this.#most)}). The last one: ${record.message}`,
      );
    }
    if (isNew) this.#notify(record);
  }
}
