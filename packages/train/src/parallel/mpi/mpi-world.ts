import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { World } from '../world.ts';
import type { Handle } from './abi.ts';
import { Incoming, Outgoing } from './incoming.ts';
import type { Mpi, Request } from './library.ts';
import { SignsOfLife } from './signs-of-life.ts';

const tags = { up: 1, down: 2 };
const bucketFloats = 4 * 2 ** 20;
const bucketsAtOnce = 2;
/** Milliseconds of waiting without sleep: less than what a sleep takes. */
const spinning = { messages: 2, sums: 100 };
/** Milliseconds that rank 0 has for ending everything when another rank has failed. */
const grace = 5000;

interface Parts {
  mpi: Mpi;
  /** Of messages and sums. */
  communicator: Handle;
  life: SignsOfLife;
  rank: number;
  size: number;
  names: readonly string[];
  timeout: number;
}

/** Processes that mpirun has started, through their MPI library. */
export class MpiWorld implements World {
  readonly rank: number;
  readonly size: number;
  readonly names: readonly string[];
  readonly description: string;
  readonly timeout: number;
  readonly #mpi: Mpi;
  readonly #communicator: Handle;
  readonly #life: SignsOfLife;
  readonly #outgoing: Outgoing;
  readonly #answering: NodeJS.Timeout;

  /**
   * Joins the other processes: all of them have to.
   *
   * @param timeout - seconds without a sign of life after which a rank is given up
   */
  static async join(mpi: Mpi, timeout: number): Promise<MpiWorld> {
    mpi.init();
    const { world } = mpi.handles;
    const [rank, size] = [mpi.rank(world), mpi.size(world)];
    const communicator = mpi.duplicate(world);
    const lives = { mpi, communicator: mpi.duplicate(world), rank, timeout };
    const made = (names: readonly string[]) =>
      new MpiWorld({
        mpi,
        communicator,
        life: new SignsOfLife({ ...lives, names }),
        rank,
        size,
        names,
        timeout,
      });
    // Where they are is not known until they have told.
    const nameless = made(Array.from({ length: size }, (_, each) => `rank ${each} of ${size}`));
    const hosts = await nameless.broadcast(await nameless.gather(hostname()));
    nameless.#leave();
    return made(hosts.map((host, each) => `rank ${each} of ${size} on ${host}`));
  }

  private constructor({ mpi, communicator, life, rank, size, names, timeout }: Parts) {
    this.rank = rank;
    this.size = size;
    this.names = names;
    this.timeout = timeout;
    this.description = `${mpi.version}, ${names[rank]}`;
    this.#mpi = mpi;
    this.#communicator = communicator;
    this.#life = life;
    this.#outgoing = new Outgoing(mpi);
    this.#answering = setInterval(() => life.serve(), 1000).unref();
  }

  async allReduceSum(values: Float32Array): Promise<void> {
    let running: Request[] = [];
    const settle = (most: number) =>
      this.#wait(
        () => {
          running = running.filter((request) => !this.#mpi.test(request));
          return running.length <= most;
        },
        () => [...this.names.keys()],
        spinning.sums,
      );
    for (let from = 0; from < values.length; from += bucketFloats) {
      const bucket = values.subarray(from, from + bucketFloats);
      running.push(this.#mpi.sum(bucket.slice(), bucket, this.#communicator));
      await settle(bucketsAtOnce - 1);
    }
    await settle(0);
  }

  async gather<T>(value: T): Promise<T[] | undefined> {
    if (this.rank > 0) {
      this.#outgoing.send(JSON.stringify(value ?? null), 0, tags.up, this.#communicator);
      await this.#wait(
        () => this.#outgoing.poll(),
        () => [0],
      );
      return undefined;
    }
    const others = [...this.names.keys()]
      .slice(1)
      .map((rank) => new Incoming(this.#mpi, rank, tags.up, this.#communicator));
    const missing = () => others.filter((message) => !message.poll());
    await this.#wait(
      () => missing().length === 0,
      () => missing().map(({ from }) => from),
    );
    const texts = [JSON.stringify(value ?? null), ...others.map(({ text }) => text)];
    return texts.map((text) => JSON.parse(text) as T);
  }

  async broadcast<T>(value: T | undefined): Promise<T> {
    if (this.rank === 0) {
      const text = JSON.stringify(value ?? null);
      for (let rank = 1; rank < this.size; rank++) {
        this.#outgoing.send(text, rank, tags.down, this.#communicator);
      }
      await this.#wait(
        () => this.#outgoing.poll(),
        () => [...this.names.keys()],
      );
      return JSON.parse(text) as T;
    }
    const message = new Incoming(this.#mpi, 0, tags.down, this.#communicator);
    await this.#wait(
      () => message.poll(),
      () => [0],
    );
    return JSON.parse(message.text) as T;
  }

  async barrier(): Promise<void> {
    await this.broadcast(await this.gather(true));
  }

  abort(message: string): never {
    if (this.rank > 0) this.#leaveItToRank0(message);
    try {
      writeSync(2, `llr: ${message}\n`);
      this.#mpi.abort(1);
    } finally {
      process.exit(1);
    }
  }

  async finalize(): Promise<void> {
    await this.barrier();
    this.#leave();
    this.#mpi.finalize();
  }

  #leave(): void {
    clearInterval(this.#answering);
  }

  /** Rank 0, whose output is the one that people look at, ends all processes, unless it is busy for too long. */
  #leaveItToRank0(message: string): void {
    this.#life.tellFailure(message);
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    const began = performance.now();
    while (performance.now() - began < grace) {
      this.#life.push();
      Atomics.wait(sleeper, 0, 0, 10);
    }
  }

  async #wait(
    done: () => boolean,
    awaited: () => readonly number[],
    spin = spinning.messages,
  ): Promise<void> {
    this.#life.begin();
    const began = performance.now();
    while (!done()) {
      this.#life.check(awaited());
      await (performance.now() - began < spin ? turn() : sleep(1));
    }
  }
}
