import type { Run } from '@llr/core';
import { type Findings, spend } from './journal.ts';
import type { Plan } from './plan.ts';
import { nextTurn } from './progress.ts';
import { type OnClean, readOn } from './read-on.ts';
import { fullBatch, lastBatches, type Work } from './schedule.ts';
import type { Setting } from './setting.ts';
import type { Subject } from './subject.ts';
import { isStaged, type Tried, tryRows } from './try-rows.ts';

/** One try at one example, taken down. */
export interface Judged extends Tried {
  readonly subject: Subject;
  readonly image: Float32Array;
  readonly attack: string;
  readonly run: Run;
  readonly runNumber: number;
  /** Whether it is the first of this attack's to break the example. */
  readonly breaks: boolean;
}

/** Hears of each batch; the evaluation waits for it. */
export interface Listener {
  onClean?: OnClean;
  onJudged?(attack: string, judged: readonly Judged[], seconds: number): void | Promise<void>;
  /** Hears of all tries that have begun, after each batch of an attack in stages. */
  onBegun?(subjects: readonly Subject[]): void | Promise<void>;
}

/**
 * Puts every example of the source through a plan, from where the findings stand, in batches of one size. An example that
 * is broken leaves, and others take its place.
 *
 * @param findings - grows to hold all examples
 * @throws Error when data, classifier and threat model don't fit together, when logits are NaN, or when an attack returns
 *   what the threat model doesn't allow
 */
export async function attackExamples(
  setting: Setting,
  plan: Plan,
  findings: Findings,
  listener: Listener,
): Promise<void> {
  const { batchSize, signal } = setting;
  const report = reporter(setting, plan, findings);
  report('clean');
  const unread = readOn(setting, plan, findings, listener.onClean);
  let waiting: Subject[] = [];
  for (let more = true; ; await nextTurn()) {
    signal?.throwIfAborted();
    const full = fullBatch(waiting, batchSize);
    if (!full && more) {
      const { value, done } = await unread.next();
      more = !done;
      waiting = [...waiting, ...(value ?? [])];
      report('clean');
      continue;
    }
    const work = full ?? lastBatches(waiting, batchSize);
    if (!work) return;
    await attackOnce(setting, plan, findings, work, listener);
    waiting = waiting.filter(({ settled }) => !settled);
    if (isStaged(plan.attacks[work.attack]!.attack)) {
      await listener.onBegun?.(waiting.filter(({ stage }) => stage !== undefined));
    }
    report(plan.attacks[work.attack]!.attack.name);
  }
}

async function attackOnce(
  setting: Setting,
  plan: Plan,
  findings: Findings,
  work: Work,
  { onJudged }: Listener,
): Promise<void> {
  const started = performance.now();
  const { attack, runs } = plan.attacks[work.attack]!;
  const tried = await tryRows(setting, attack, work);
  const seconds = (performance.now() - started) / 1000;
  const stages = isStaged(attack) ? attack.stages : 0;
  const judged: Judged[] = [];
  work.rows.forEach(({ subject, run }, row) => {
    // An earlier try of this very batch has decided it.
    if (subject.attack !== work.attack || subject.run !== run) return;
    const { prediction, target, stage } = tried[row]!;
    if (stage && stage.done < stages && prediction === subject.label) {
      subject.stage = stage;
      return;
    }
    const { image } = subject;
    const before = subject.brokenIn[attack.name];
    subject.judge(prediction, target);
    judged.push({
      ...tried[row]!,
      subject,
      image,
      attack: attack.name,
      run: runs[run]!,
      runNumber: run,
      breaks: before == null && subject.brokenIn[attack.name] != null,
    });
  });
  spend(findings, attack.name, judged.length, seconds);
  await onJudged?.(attack.name, judged, seconds);
}

function reporter({ data, onProgress }: Setting, plan: Plan, { subjects }: Findings) {
  return (attack: string): void => {
    const settled = subjects.filter((subject) => subject.settled);
    onProgress({
      attack,
      done: subjects.reduce((sum, { tries }) => sum + tries, 0),
      total: data.size * plan.triesBefore.at(-1)!,
      settled: settled.length,
      examples: data.size,
      robust: settled.filter(({ brokenBy }) => brokenBy === null).length,
    });
  };
}
