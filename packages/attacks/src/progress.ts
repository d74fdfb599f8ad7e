/** How far an evaluation has got: tries done of one attack, and how many there are (example × run). */
export interface EvaluationProgress {
  /** The attack's name; `clean` while the unperturbed images are classified. */
  attack: string;
  /** From 0 to total; an example that is broken counts as done with all its runs. */
  done: number;
  total: number;
}

export type OnProgress = (progress: EvaluationProgress) => void;

/** Lets timers and drawing run. Not tfjs's `nextFrame`, which stands still in a hidden browser tab. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
