/** How far an evaluation has got. */
export interface EvaluationProgress {
  /** The attack at work; `clean` while unperturbed images are classified. */
  attack: string;
  /** Tries, from 0 to total; an example that is broken counts as done with all of its, a stage of a try as a part of it. */
  done: number;
  total: number;
  /** How many examples are through with all attacks, of how many; and how many of them are robust. */
  settled: number;
  examples: number;
  robust: number;
}

export type OnProgress = (progress: EvaluationProgress) => void;

/** Lets timers and drawing run. Not tfjs's `nextFrame`, which stands still in a hidden browser tab. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
