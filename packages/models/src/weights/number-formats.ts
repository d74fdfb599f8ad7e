/** Bytes per element of each dtype that safetensors files may hold. */
export const bytesPerElement: ReadonlyMap<string, number> = new Map([
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
  ['U16', 2],
  ['I16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['U32', 4],
  ['I32', 4],
  ['F32', 4],
  ['U64', 8],
  ['I64', 8],
  ['F64', 8],
  ['C64', 8],
]);

const decoders: { readonly [dtype: string]: (bytes: ArrayBuffer) => Float32Array } = {
  F32: (bytes) => new Float32Array(bytes),
  F64: (bytes) => new Float32Array(new Float64Array(bytes)),
  F16: (bytes) => {
    const bits = new Uint16Array(bytes);
    const table = halfPrecision();
    const values = new Float32Array(bits.length);
    for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]!]!;
    return values;
  },
  BF16: (bytes) => {
    const upperHalves = new Uint16Array(bytes);
    const bits = new Uint32Array(upperHalves.length);
    for (let i = 0; i < bits.length; i++) bits[i] = upperHalves[i]! << 16;
    return new Float32Array(bits.buffer);
  },
};

/** The dtypes that weights can be read from. */
export const floatingPoint: readonly string[] = Object.keys(decoders);

/**
 * Floating-point numbers of a file (little-endian), as float32: F16 and BF16 are exact, F64 is rounded, and
 * infinite where float32 ends.
 *
 * @param bytes - whole elements; for F32 the result shares them
 */
export const toFloat32 = (dtype: string, bytes: ArrayBuffer): Float32Array =>
  decoders[dtype]!(bytes);

let half: Float32Array | undefined;

/** The value of each of the 65,536 bit patterns of IEEE 754 half precision. */
function halfPrecision(): Float32Array {
  half ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => {
    const sign = bits >> 15 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
  });
  return half;
}
