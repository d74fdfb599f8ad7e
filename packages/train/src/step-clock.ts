/** How much of the older steps' sums is left at each new one: they say how the latest ten or so went. */
const memory = 0.9;

/** Measures how fast steps go, and how long they wait for their images. */
export class StepClock {
  #began = performance.now();
  #asked = this.#began;
  #waited = 0;
  #sums = { seconds: 0, waited: 0, images: 0 };

  /** To be called when the next batch is waited for. */
  waitForBatch(): void {
    this.#asked = performance.now();
  }

  /** To be called when it has come. */
  gotBatch(): void {
    this.#waited = secondsSince(this.#asked);
  }

  /** To be called when its step is done. */
  stepDone(images: number): void {
    const { seconds, waited, images: before } = this.#sums;
    this.#sums = {
      seconds: seconds * memory + secondsSince(this.#began),
      waited: waited * memory + this.#waited,
      images: before * memory + images,
    };
    this.#began = performance.now();
  }

  /** To be called after what belongs to no step: a validation, or a checkpoint. */
  skip(): void {
    this.#began = performance.now();
    this.#asked = this.#began;
  }

  get speed(): { imagesPerSecond: number; dataWait: number } {
    const { seconds, waited, images } = this.#sums;
    return seconds > 0
      ? { imagesPerSecond: images / seconds, dataWait: waited / seconds }
      : { imagesPerSecond: 0, dataWait: 0 };
  }
}

const secondsSince = (moment: number) => (performance.now() - moment) / 1000;
