/** What was used last, as much as `most` and `mostBytes` allow; the last two are always kept. */
export class RecentlyUsed<T> {
  readonly #entries = new Map<number, { value: Promise<T>; bytes: number }>();
  readonly #limits: { most: number; mostBytes: number };
  readonly #discard: (value: T) => void;

  constructor(limits: { most: number; mostBytes: number }, discard: (value: T) => void = () => {}) {
    this.#limits = limits;
    this.#discard = discard;
  }

  /** The value of a key; one that could not be made is made again the next time. */
  get(key: number, bytes: number, make: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    const entry = known ?? { value: make(), bytes };
    // A Map keeps the order of insertion: the first entry is the one used longest ago.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (!known) {
      entry.value.catch(() => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      });
      this.#trim();
    }
    return entry.value;
  }

  delete(key: number): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    entry?.value.then(this.#discard, () => {});
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.delete(key);
  }

  #trim(): void {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.bytes;
    for (const [key, entry] of this.#entries) {
      const fits = this.#entries.size <= this.#limits.most && bytes <= this.#limits.mostBytes;
      if (fits || this.#entries.size <= 2) return;
      bytes -= entry.bytes;
      this.delete(key);
    }
  }
}
