/** Sums and counts by name, in the order in which the names came. */
export type MeanMetricsState = readonly (readonly [name: string, sum: number, count: number])[];

/** Averages the numbers of several steps, by name. */
export class MeanMetrics {
  #sums: Map<string, { sum: number; count: number }>;

  /** @param state - where another one has got to */
  constructor(state: MeanMetricsState = []) {
    this.#sums = new Map(state.map(([name, sum, count]) => [name, { sum, count }]));
  }

  get state(): MeanMetricsState {
    return [...this.#sums].map(([name, { sum, count }]) => [name, sum, count]);
  }

  add(metrics: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(metrics)) {
      const { sum, count } = this.#sums.get(name) ?? { sum: 0, count: 0 };
      this.#sums.set(name, { sum: sum + value, count: count + 1 });
    }
  }

  /** The means since the last call. */
  take(): Record<string, number> {
    const means = [...this.#sums].map(([name, { sum, count }]) => [name, sum / count] as const);
    this.#sums.clear();
    return Object.fromEntries(means);
  }
}
