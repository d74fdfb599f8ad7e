import type { StepMetrics } from './train-step.ts';

/** What a part of a batch measured: means over its images. */
export interface Measurement {
  metrics: StepMetrics;
  /** Images. */
  size: number;
}

/** The means over a batch from those over its parts, each weighing as much as it has images. */
export function weightedMeans(parts: readonly Measurement[]): StepMetrics {
  const names = new Set(parts.flatMap(({ metrics }) => Object.keys(metrics)));
  const meanOf = (name: string) => {
    const reporting = parts.filter(({ metrics }) => name in metrics);
    const images = reporting.reduce((sum, { size }) => sum + size, 0);
    return reporting.reduce((sum, { metrics, size }) => sum + metrics[name]! * size, 0) / images;
  };
  return Object.fromEntries([...names].map((name) => [name, meanOf(name)]));
}
