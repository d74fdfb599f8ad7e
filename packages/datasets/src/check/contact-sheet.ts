import { PNG } from 'pngjs';
import type { IndexedSource } from '../from-arrays.ts';

const imagesPerClass = 10;
const mostRows = 20;
const largestTile = 64;
const gap = 2;

/** The first images of each class, a class a row; of many classes, as many as fit, evenly chosen. */
export class ContactSheet {
  readonly #shape: IndexedSource['inputShape'];
  readonly #tile: { readonly width: number; readonly height: number };
  readonly #rowOf: ReadonlyMap<number, number>;
  readonly #filled: number[];
  readonly #png: PNG;

  constructor(shape: IndexedSource['inputShape'], classes: number) {
    const [height, width] = shape;
    const scale = Math.min(1, largestTile / Math.max(height, width));
    const rows = Math.min(classes, mostRows);
    this.#shape = shape;
    this.#tile = {
      width: Math.max(1, Math.round(width * scale)),
      height: Math.max(1, Math.round(height * scale)),
    };
    this.#rowOf = new Map(
      Array.from({ length: rows }, (_, row) => [Math.floor((row * classes) / rows), row]),
    );
    this.#filled = new Array(rows).fill(0);
    this.#png = new PNG({
      width: imagesPerClass * (this.#tile.width + gap) + gap,
      height: rows * (this.#tile.height + gap) + gap,
    });
    this.#png.data.fill(255);
  }

  /** Shows image `row` of a batch, if there is a place for one of its class. */
  add(label: number, images: Float32Array, row: number): void {
    const at = this.#rowOf.get(label);
    if (at === undefined || this.#filled[at] === imagesPerClass) return;
    const { width, height } = this.#tile;
    const left = gap + this.#filled[at]! * (width + gap);
    const top = gap + at * (height + gap);
    this.#filled[at]! += 1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const to = 4 * ((top + y) * this.#png.width + left + x);
        this.#png.data.set(this.#colour(images, row, y, x), to);
      }
    }
  }

  png(): Uint8Array {
    return PNG.sync.write(this.#png);
  }

  /** The mean of what a pixel of the tile stands for, as red, green and blue. */
  #colour(images: Float32Array, row: number, y: number, x: number): [number, number, number] {
    const [height, width, channels] = this.#shape;
    const [top, bottom] = range(y, this.#tile.height, height);
    const [left, right] = range(x, this.#tile.width, width);
    const mean = (channel: number) => {
      let sum = 0;
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++) {
          sum += images[((row * height + i) * width + j) * channels + channel]!;
        }
      }
      return Math.round((255 * sum) / ((bottom - top) * (right - left)));
    };
    return channels === 3 ? [mean(0), mean(1), mean(2)] : [mean(0), mean(0), mean(0)];
  }
}

const range = (at: number, tiles: number, size: number): [number, number] => [
  Math.floor((at * size) / tiles),
  Math.max(Math.floor(((at + 1) * size) / tiles), Math.floor((at * size) / tiles) + 1),
];
