import type { Subject } from './subject.ts';

/** One row of a batch: a try at an example. */
interface Row {
  readonly subject: Subject;
  /** The number of the run. */
  readonly run: number;
}

/** What one batch does. All its rows are tries of one attack. */
export interface Work {
  readonly attack: number;
  readonly rows: readonly Row[];
  /** For a staged attack, whether the rows begin or go on. */
  readonly begins: boolean;
}

/**
 * The furthest attack for which enough examples wait to fill a batch. As long as there are examples to come batches are
 * full, and no more wait than some for each attack: memory is flat, however many examples there are.
 *
 * @returns undefined when there is none, and more examples should be read
 */
export function fullBatch(waiting: readonly Subject[], batchSize: number): Work | undefined {
  for (const [attack, subjects] of byAttack(waiting).reverse()) {
    const { fresh, begun } = byStage(subjects);
    for (const some of [begun, fresh]) {
      if (some.length >= batchSize) {
        return work(attack, some.slice(0, batchSize).map(nextRow), some === fresh);
      }
    }
  }
  return undefined;
}

/**
 * The next batch when no more examples come: the first attack that any example waits for, so that those behind catch up
 * with the others. Where examples are too few for a batch, several tries at each are made at once.
 */
export function lastBatches(waiting: readonly Subject[], batchSize: number): Work | undefined {
  const [first] = byAttack(waiting);
  if (!first) return undefined;
  const [attack, subjects] = first;
  const { fresh, begun } = byStage(subjects);
  const begins = fresh.length > 0;
  const some = (begins ? fresh : begun).slice(0, batchSize);
  const staged = 'stages' in some[0]!.planned.attack;
  return work(attack, staged ? some.map(nextRow) : severalTries(some, batchSize), begins);
}

const work = (attack: number, rows: readonly Row[], begins: boolean): Work => ({
  attack,
  rows,
  begins,
});

const nextRow = (subject: Subject): Row => ({ subject, run: subject.run });

/** The next try at each, then the one after it at each, until the batch is full. */
function severalTries(subjects: readonly Subject[], batchSize: number): Row[] {
  const rows: Row[] = [];
  const most = Math.max(...subjects.map(({ planned, run }) => planned.runs.length - run));
  for (let ahead = 0; ahead < most; ahead++) {
    for (const subject of subjects) {
      const run = subject.run + ahead;
      if (run < subject.planned.runs.length) rows.push({ subject, run });
      if (rows.length === batchSize) return rows;
    }
  }
  return rows;
}

/** Those that wait for each attack, the first attack first. */
function byAttack(waiting: readonly Subject[]): [number, Subject[]][] {
  const groups = new Map<number, Subject[]>();
  for (const subject of waiting) {
    const group = groups.get(subject.attack);
    if (group) group.push(subject);
    else groups.set(subject.attack, [subject]);
  }
  return [...groups].sort(([a], [b]) => a - b);
}

const byStage = (subjects: readonly Subject[]) => ({
  fresh: subjects.filter(({ stage }) => stage === undefined),
  begun: subjects.filter(({ stage }) => stage !== undefined),
});
