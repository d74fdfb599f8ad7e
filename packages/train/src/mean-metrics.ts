/** Averages the numbers of several steps, or micro-batches, by name. */
export class MeanMetrics {
  #sums = new Map<string, { sum: number; weight: number }>();

  add(metrics: Readonly<Record<string, number>>, weight = 1): void {
    for (const [name, value] of Object.entries(metrics)) {
      const before = this.#sums.get(name) ?? { sum: 0, weight: 0 };
      this.#sums.set(name, {
        sum: before.sum + value * weight,
        weight: before.weight + weight,
      });
    }
  }

  /** The means since the last call. */
  take(): Record<string, number> {
    const means = [...this.#sums].map(([name, { sum, weight }]) => [name, sum / weight] as const);
    this.#sums.clear();
    return Object.fromEntries(means);
  }
}
