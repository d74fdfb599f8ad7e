const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), the
 * counter-based generator that JAX uses: 64 random bits as a function of a 64-bit key and a 64-bit counter.
 */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array,
): void {
  const key2 = key0 ^ key1 ^ 0x1bd11bda;
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const turn = rotations[round & 7]!;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << turn) | (x1 >>> (32 - turn))) ^ x0;
    if ((round & 3) === 3) {
      const block = (round >> 2) + 1;
      x0 = (x0 + (block % 3 === 0 ? key0 : block % 3 === 1 ? key1 : key2)) | 0;
      x1 = (x1 + (block % 3 === 0 ? key1 : block % 3 === 1 ? key2 : key0) + block) | 0;
    }
  }
  out[0] = x0;
  out[1] = x1;
}
