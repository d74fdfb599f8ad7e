/** Imported for its effect: registers tfjs-core's own gradients. */
export {};
