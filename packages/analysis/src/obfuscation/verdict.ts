import type { Accuracy, Warning } from '@llr/attacks';

/**
 * `'masked'`: gradients mislead, so that some common attack reports an accuracy that is not real. `'suspicious'`: something
 * speaks for that, or too little could be checked. `'clear'`: nothing was found, which is no proof that there is nothing; nor
 * does it mean that the network is robust.
 */
export type VerdictWord = 'masked' | 'suspicious' | 'clear';

/** What one check came to. */
export interface Reason {
  /** Which: `'gradients'`, `'black box'`, … */
  check: string;
  outcome: 'passed' | 'failed' | 'not run';
  /** What a failure makes of the verdict; a `'hint'` nothing alone, with another one `'suspicious'`. */
  weight: 'masked' | 'suspicious' | 'hint';
  /** What was seen, with figures; why it matters. */
  text: string;
}

/** A point of a curve: what is left at so many steps, so many restarts, or at this ε. */
export interface CurvePoint {
  /** Steps, restarts, or ε in units of the pixel box. */
  at: number;
  accuracy: Accuracy;
}

/** How robust a network is under one attack alone. */
export interface AttackAccuracy {
  name: string;
  access: 'white-box' | 'black-box';
  accuracy: Accuracy;
}

/** How far the loss is from linear around the images: √γ(ε, x) by 50 Adam steps of 0.1 (Fig. F3). */
export interface GammaStatistics {
  /** How many images. */
  images: number;
  /** Of √γ. */
  mean: number;
  /** Of √γ. */
  quantiles: { q: number; value: number }[];
}

/** How much the perturbations look like noise (Fig. F2). */
export interface NoiseStatistics {
  /** How many perturbations: those with enough pixels that are free to move. */
  images: number;
  /**
   * The mean correlation of neighbouring pixels of a perturbation: 0 for noise, towards 1 for perturbations that follow the
   * shapes of an image. Null where no perturbation could be looked at.
   */
  correlation: number | null;
}

/**
 * Whether the robustness that attacks report for a network is real, and why. Plain data: survives JSON. Accuracies are of all
 * examples, misclassified ones count as wrong.
 */
export interface ObfuscationVerdict {
  verdict: VerdictWord;
  /** In a sentence or two. */
  summary: string;
  reasons: Reason[];
  classifier: string;
  /** The source's name and split. */
  data: string;
  threat: { name: string; epsilon: number };
  seed: number;
  clean: Accuracy;
  /** The point-wise worst case of everything that was tried at this ε. */
  robust: Accuracy;
  curves: { steps: CurvePoint[]; restarts: CurvePoint[]; epsilon: CurvePoint[] };
  /** Each on all correctly classified examples; the weakest kind first. */
  attacks: AttackAccuracy[];
  gamma: GammaStatistics;
  noise: NoiseStatistics;
  /** Of the evaluation's self-checks. */
  warnings: Warning[];
}
