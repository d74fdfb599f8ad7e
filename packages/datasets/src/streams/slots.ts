/** Shared memory for batches, used again and again. */
export class Slots {
  #free: SharedArrayBuffer[] = [];

  take(bytes: number): SharedArrayBuffer {
    // Those of another size were for another batch size, which is over.
    this.#free = this.#free.filter((slot) => slot.byteLength === bytes);
    return this.#free.pop() ?? new SharedArrayBuffer(bytes);
  }

  give(slot: SharedArrayBuffer): void {
    this.#free.push(slot);
  }

  clear(): void {
    this.#free = [];
  }
}
