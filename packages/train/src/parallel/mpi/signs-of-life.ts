import { RankLost } from '../shared-failure.ts';
import type { Handle } from './abi.ts';
import { Incoming, Outgoing } from './incoming.ts';
import type { Mpi } from './library.ts';

const tags = { question: 1, answer: 2, failure: 3 };
const servedEvery = 20;
const askedEvery = 1000;

interface Peer {
  rank: number;
  question: Incoming;
  answer: Incoming;
  failure: Incoming;
  /** When something was last heard of it, or waiting for it began. */
  seen: number;
  /** When it was last asked; nothing, after it has answered. */
  asked: number | undefined;
}

export interface Lives {
  mpi: Mpi;
  /** Of these messages alone. */
  communicator: Handle;
  rank: number;
  names: readonly string[];
  /** Seconds. */
  timeout: number;
}

/**
 * Rank 0 and each other rank ask one another, while they wait, whether they are still there. A process answers
 * whenever its event loop turns: while it waits, reads, or validates, but not in the middle of a step.
 */
export class SignsOfLife {
  readonly #lives: Lives;
  readonly #peers: Peer[];
  readonly #outgoing: Outgoing;
  #served = 0;

  constructor(lives: Lives) {
    const { mpi, communicator, rank, names } = lives;
    this.#lives = lives;
    this.#outgoing = new Outgoing(mpi);
    const others = rank === 0 ? [...names.keys()].slice(1) : [0];
    const incoming = (from: number, tag: number) => new Incoming(mpi, from, tag, communicator);
    this.#peers = others.map((from) => ({
      rank: from,
      question: incoming(from, tags.question),
      answer: incoming(from, tags.answer),
      failure: incoming(from, tags.failure),
      seen: 0,
      asked: undefined,
    }));
  }

  /** Waiting begins: what was not heard before doesn't count. */
  begin(): void {
    const now = performance.now();
    for (const peer of this.#peers) peer.seen = now;
  }

  /** Answers, and hears answers. */
  serve(): void {
    const now = performance.now();
    if (now - this.#served < servedEvery) return;
    this.#served = now;
    const { mpi, communicator } = this.#lives;
    this.#outgoing.poll();
    for (const peer of this.#peers) {
      if (peer.question.poll()) {
        peer.question = new Incoming(mpi, peer.rank, tags.question, communicator);
        peer.seen = now;
        this.#outgoing.send('', peer.rank, tags.answer, communicator);
      }
      if (peer.answer.poll()) {
        peer.answer = new Incoming(mpi, peer.rank, tags.answer, communicator);
        peer.seen = now;
        peer.asked = undefined;
      }
      peer.failure.poll();
    }
  }

  /**
   * Asks the ranks that are waited for, as far as they are this rank's to ask.
   *
   * @throws RankLost when any rank has failed, or one of these has not been heard of for too long
   */
  check(awaited: readonly number[]): void {
    this.serve();
    const failed = this.#peers.find(({ failure }) => failure.poll());
    if (failed) throw new RankLost(failed.failure.text);
    const now = performance.now();
    const { timeout, names, communicator } = this.#lives;
    const waitedFor = this.#peers.filter(({ rank }) => awaited.includes(rank));
    for (const peer of waitedFor) {
      if (peer.asked !== undefined || now - peer.seen < askedEvery) continue;
      peer.asked = now;
      this.#outgoing.send('', peer.rank, tags.question, communicator);
    }
    const silent = waitedFor.filter(({ seen }) => now - seen > timeout * 1000);
    if (silent.length === 0) return;
    const who = silent.map(({ rank }) => names[rank]).join(', and ');
    throw new RankLost(
      `No sign of life from ${who}, for ${timeout} s. It hangs, was stopped, or its machine is lost. Where single steps take longer than that, set LLR_MPI_TIMEOUT (seconds).`,
    );
  }

  /** Tells rank 0 that this one has failed; rank 0 is to end all. Doesn't wait until it is heard. */
  tellFailure(message: string): void {
    this.#outgoing.send(message, 0, tags.failure, this.#lives.communicator);
  }

  /** Goes on with what is being sent. */
  push(): void {
    this.#outgoing.poll();
  }
}
