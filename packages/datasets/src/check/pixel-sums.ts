/** The mean and the standard deviation of each channel, summed up in double precision. */
export class PixelSums {
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(channels: number) {
    this.#sums = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  /** @param pixels - whole pixels, their channels side by side */
  add(pixels: Float32Array): void {
    const channels = this.#sums.length;
    for (let i = 0; i < pixels.length; i += channels) {
      for (let channel = 0; channel < channels; channel++) {
        const value = pixels[i + channel]!;
        this.#sums[channel]! += value;
        this.#squares[channel]! += value * value;
      }
    }
    this.#count += pixels.length / channels;
  }

  /** Empty where no pixel was added. */
  result(): { mean: number[]; std: number[] } {
    if (this.#count === 0) return { mean: [], std: [] };
    const mean = Array.from(this.#sums, (sum) => sum / this.#count);
    const std = Array.from(this.#squares, (squares, channel) =>
      Math.sqrt(Math.max(0, squares / this.#count - mean[channel]! ** 2)),
    );
    return { mean, std };
  }
}
