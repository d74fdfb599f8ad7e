/** Which inequality: as the paper names it; "tight" is C.1 with the smaller right side that its proof gives. */
export type BoundName = 'Prop. 4.1' | 'Prop. C.1' | 'Prop. C.1, tight' | 'Prop. C.2';

/**
 * Which δ of the ball an inequality was checked at: the one that raises the loss most, the one where g is largest (as
 * searches found them), or a random one.
 */
export type BoundPerturbation = 'adversarial' | 'least linear' | 'random';

/** Both sides of an inequality for one image and one δ. */
export interface BoundPair {
  /** Which image of the source. */
  index: number;
  perturbation: BoundPerturbation;
  left: number;
  /** Finite: what overflows is `Number.MAX_VALUE`. */
  right: number;
  /** right − left. */
  slack: number;
  /** Whether left ≤ right, up to the rounding of float32. */
  holds: boolean;
}

/** One inequality over all images. */
export interface PropositionReport {
  name: BoundName;
  /** Where it is stated and proven. */
  source: string;
  /** Both sides as formulas. */
  formula: { left: string; right: string };
  loss: 'cross-entropy' | 'squared error';
  /** For each image, one for each perturbation. */
  pairs: BoundPair[];
  /** Of the slack. */
  quantiles: { q: number; value: number }[];
  /** The images for which it fails, at any perturbation; empty where all is well. */
  violations: number[];
}

/** One image of a bounds report. */
export interface BoundsExample {
  /** Which image of the source. */
  index: number;
  label: number;
  /** ℓ(x), in nats. */
  loss: number;
  /** γ(ε, x) of the cross-entropy: the largest g found. */
  gamma: number;
  /** γ(ε, x) of the squared error, for Prop. C.1. */
  gammaSquaredError: number;
}

/** Props. 4.1, C.1 and C.2 checked over a set of images. Plain data, fit for JSON. */
export interface BoundsReport {
  threat: { name: string; epsilon: number };
  seed: number;
  examples: BoundsExample[];
  propositions: PropositionReport[];
}
