export type ConvolutionPrecision = 'float32' | 'bfloat16';

let current: ConvolutionPrecision = 'float32';

/** The precision allowed to convolutions made now. */
export const convolutionPrecision = (): ConvolutionPrecision => current;

/**
 * Runs a function whose convolutions, and their gradients taken inside it, may be computed in bfloat16: 8 bits
 * of mantissa, sums in float32, results cast back. For searches of a perturbation, not for losses or weight
 * gradients. Graphs on TensorFlow follow it where the
 * processor computes in bfloat16 (a GPU, AVX512-BF16, AMX) or LLR_BFLOAT16=1 says so; everything else computes in
 * float32.
 */
export function withConvolutionPrecision<T>(precision: ConvolutionPrecision, fn: () => T): T {
  const before = current;
  current = precision;
  try {
    return fn();
  } finally {
    current = before;
  }
}
