import type { MetricsLine } from './run-directory.ts';
import type { StepMetrics } from './train-step.ts';

/** Where training begins. */
export interface TrainStart {
  /** The run's folder. */
  directory: string;
  /** Steps done before: 0, or where a run that was stopped goes on. */
  step: number;
  /** Steps in all. */
  steps: number;
}

/** Where training has got to. */
export interface TrainProgress {
  /** Steps done. */
  step: number;
  /** Steps in all. */
  steps: number;
  /** Epochs done, with fractions. */
  epoch: number;
  /** What the step measured, means over its batch. */
  metrics: StepMetrics;
  /** The step's learning rate. */
  learningRate: number;
  /** The step's ε, in pixel units. */
  epsilon: number;
  /** Over the latest steps. */
  imagesPerSecond: number;
  /** The share of the latest steps' wall time that went by waiting for images, 0 to 1. */
  dataWait: number;
}

/**
 * What is told of a training while it runs. Each call is awaited, in the order of the callbacks, before training
 * goes on; one that throws ends it. The network's variables may be stale then, and reading them an error: see
 * `Stepper`.
 */
export interface TrainCallback {
  /** Before the first step. Of a run that goes on, everything told of later steps before is void. */
  onStart?(start: TrainStart): void | Promise<void>;
  /** After each step. */
  onStep?(progress: TrainProgress): void | Promise<void>;
  /** After a line was added to `metrics.jsonl`. */
  onMetrics?(line: MetricsLine): void | Promise<void>;
  /** After a checkpoint, or the best network so far, was written to a folder. */
  onCheckpoint?(folder: string, kind: 'step' | 'best'): void | Promise<void>;
  /** Last of all, however training has ended. */
  onEnd?(): void | Promise<void>;
}

/** Several callbacks as one, each method of which is there. */
export function callEach(callbacks: readonly TrainCallback[]): Required<TrainCallback> {
  const inTurn = async (tell: (callback: TrainCallback) => void | Promise<void>) => {
    for (const callback of callbacks) await tell(callback);
  };
  return {
    onStart: (start) => inTurn((callback) => callback.onStart?.(start)),
    onStep: (progress) => inTurn((callback) => callback.onStep?.(progress)),
    onMetrics: (line) => inTurn((callback) => callback.onMetrics?.(line)),
    onCheckpoint: (folder, kind) => inTurn((callback) => callback.onCheckpoint?.(folder, kind)),
    // Each gets its chance to close what it has open, whatever another does.
    onEnd: async () => {
      const ends = [];
      for (const callback of callbacks) {
        const [end] = await Promise.allSettled([(async () => callback.onEnd?.())()]);
        ends.push(end);
      }
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}
