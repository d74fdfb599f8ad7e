import type { Handle } from './abi.ts';
import type { Mpi, Request } from './library.ts';

/** A message of any length that is waited for. */
export class Incoming {
  readonly from: number;
  readonly #mpi: Mpi;
  readonly #tag: number;
  readonly #communicator: Handle;
  #bytes: Uint8Array | undefined;
  #request: Request | undefined;
  #isHere = false;

  constructor(mpi: Mpi, from: number, tag: number, communicator: Handle) {
    this.from = from;
    this.#mpi = mpi;
    this.#tag = tag;
    this.#communicator = communicator;
  }

  /** Whether it is here, all of it. */
  poll(): boolean {
    if (this.#isHere) return true;
    if (!this.#request) {
      const length = this.#mpi.probe(this.from, this.#tag, this.#communicator);
      if (length === undefined) return false;
      this.#bytes = new Uint8Array(length);
      this.#request = this.#mpi.receive(this.#bytes, this.from, this.#tag, this.#communicator);
    }
    this.#isHere = this.#mpi.test(this.#request);
    return this.#isHere;
  }

  get text(): string {
    return Buffer.from(this.#bytes!).toString('utf8');
  }
}

/** Messages on their way out, whose bytes must stay until they are gone. */
export class Outgoing {
  readonly #mpi: Mpi;
  #requests: Request[] = [];

  constructor(mpi: Mpi) {
    this.#mpi = mpi;
  }

  send(text: string, to: number, tag: number, communicator: Handle): void {
    this.#requests.push(this.#mpi.send(Buffer.from(text), to, tag, communicator));
  }

  /** Whether all are gone. */
  poll(): boolean {
    this.#requests = this.#requests.filter((request) => !this.#mpi.test(request));
    return this.#requests.length === 0;
  }
}
