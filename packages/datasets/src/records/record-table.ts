import type { PackedNames } from './packed-names.ts';

/** The columns of records that are reached by number, over SharedArrayBuffers. */
export interface RecordColumns {
  readonly file: Uint32Array;
  readonly offset: Float64Array;
  readonly length: Uint32Array;
  readonly labels: Int32Array;
  readonly names: PackedNames;
}

type NumberArray = Uint32Array | Int32Array | Float64Array;

/** Collects records in typed arrays that grow, about 25 bytes and a name each; no object for a record. */
export class RecordTable {
  size = 0;
  #nameBytes = 0;
  #file = new Uint32Array(1024);
  #offset = new Float64Array(1024);
  #length = new Uint32Array(1024);
  #labels = new Int32Array(1024);
  #ends = new Float64Array(1024);
  #names = Buffer.alloc(1024 * 32);

  add(file: number, offset: number, length: number, label: number, name: string): void {
    const row = this.size++;
    if (row === this.#file.length) this.#growRows(2 * row);
    const nameSize = Buffer.byteLength(name);
    if (this.#nameBytes + nameSize > this.#names.length) {
      const larger = Buffer.alloc(2 * (this.#names.length + nameSize));
      this.#names.copy(larger);
      this.#names = larger;
    }
    this.#names.write(name, this.#nameBytes);
    this.#nameBytes += nameSize;
    this.#file[row] = file;
    this.#offset[row] = offset;
    this.#length[row] = length;
    this.#labels[row] = label;
    this.#ends[row] = this.#nameBytes;
  }

  label(row: number): number {
    return this.#labels[row]!;
  }

  offset(row: number): number {
    return this.#offset[row]!;
  }

  name(row: number): string {
    return this.#names.toString('utf8', row === 0 ? 0 : this.#ends[row - 1]!, this.#ends[row]!);
  }

  /** The columns, cut to size; with `order`, row i is the one that was added as number `order[i]`. */
  columns(order?: Uint32Array): RecordColumns {
    const { size } = this;
    const columns = {
      file: new Uint32Array(shared(4 * size)),
      offset: new Float64Array(shared(8 * size)),
      length: new Uint32Array(shared(4 * size)),
      labels: new Int32Array(shared(4 * size)),
      names: {
        bytes: new Uint8Array(shared(this.#nameBytes)),
        ends: new Float64Array(shared(8 * size)),
      },
    };
    let end = 0;
    for (let row = 0; row < size; row++) {
      const from = order ? order[row]! : row;
      columns.file[row] = this.#file[from]!;
      columns.offset[row] = this.#offset[from]!;
      columns.length[row] = this.#length[from]!;
      columns.labels[row] = this.#labels[from]!;
      const nameStart = from === 0 ? 0 : this.#ends[from - 1]!;
      const name = this.#names.subarray(nameStart, this.#ends[from]!);
      columns.names.bytes.set(name, end);
      end += name.length;
      columns.names.ends[row] = end;
    }
    return columns;
  }

  #growRows(rows: number): void {
    this.#file = grown(this.#file, rows);
    this.#offset = grown(this.#offset, rows);
    this.#length = grown(this.#length, rows);
    this.#labels = grown(this.#labels, rows);
    this.#ends = grown(this.#ends, rows);
  }
}

function shared(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes);
}

function grown<T extends NumberArray>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(length);
  larger.set(array);
  return larger;
}
