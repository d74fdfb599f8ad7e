/** How much of the older steps' sums is left at each new one: they say how the latest ten or so went. */
const memory = 0.9;

/** Measures how fast steps go, and how long they wait for their images. */
export class StepClock {
  #last = performance.now();
  #waiting = 0;
  #sums = { seconds: 0, waited: 0, images: 0 };

  /** To be called when a batch has come. */
  gotBatch(): void {
    this.#waiting = (performance.now() - this.#last) / 1000;
  }

  /** To be called when its step is done. */
  stepDone(images: number): void {
    const now = performance.now();
    const took = (now - this.#last) / 1000;
    const { seconds, waited, images: before } = this.#sums;
    this.#sums = {
      seconds: seconds * memory + took,
      waited: waited * memory + this.#waiting,
      images: before * memory + images,
    };
    this.#last = now;
  }

  /** To be called after anything that belongs to no step: a validation, say. */
  skip(): void {
    this.#last = performance.now();
  }

  get speed(): { imagesPerSecond: number; dataWait: number } {
    const { seconds, waited, images } = this.#sums;
    return seconds > 0
      ? { imagesPerSecond: images / seconds, dataWait: waited / seconds }
      : { imagesPerSecond: 0, dataWait: 0 };
  }
}
