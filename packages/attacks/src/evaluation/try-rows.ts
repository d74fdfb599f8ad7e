import type { Attack, Problem, StagedAttack } from '@llr/core';
import {
  add,
  dispose,
  type NamedTensorMap,
  type Tensor,
  type Tensor4D,
  tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { readAllowed } from './allowed.ts';
import { padded, paddedBatch } from './batch.ts';
import { predict } from './predictions.ts';
import type { Work } from './schedule.ts';
import type { Setting } from './setting.ts';
import type { Stage, StateRow } from './subject.ts';
import { purposeOf, targetOf } from './targets.ts';

/** What a row of a batch came to. */
export interface Tried {
  /** What the network makes of the perturbed image. */
  readonly prediction: number;
  /** The class that the run aims at. */
  readonly target: number | undefined;
  /** `[h · w · c]`; a view, to be copied by whoever keeps it. */
  readonly perturbation: Float32Array;
  /** Where the run of a staged attack stands now. */
  readonly stage: Stage | undefined;
}

/**
 * Makes the tries of one batch.
 *
 * @throws Error naming the attack, the run and the example, for perturbations that the threat model doesn't allow
 */
export async function tryRows(setting: Setting, attack: Attack, work: Work): Promise<Tried[]> {
  const { network, data, batchSize, radii } = setting;
  const { rows } = work;
  const epsilons = rows.map(({ subject }) => radii.of(subject.position));
  const batch = paddedBatch(
    rows.map(({ subject }) => subject),
    batchSize,
    data.inputShape,
  );
  const targets = targetsOf(setting, attack, work);
  const targetTensor = targets && tensor1d(padded(targets, batchSize), 'int32');
  try {
    return await radii.threatFor(epsilons, batchSize, async (threat) => {
      const made = await perturbed(attack, work, {
        images: batch.images,
        labels: batch.labels,
        indices: batch.indices,
        threat,
        logits: network.logits,
        random: setting.random
          .fork(attack.name)
          .forExamples(batch.indices, padded(purposesOf(work), batchSize)),
        ...(targetTensor && { targets: targetTensor }),
      });
      try {
        const by = (row: number) => `Attack "${attack.name}" (${nameOfRun(work, row)})`;
        const delta = await readAllowed(made.perturbation as Tensor4D, batch, threat, epsilons, by);
        const images = tidy((): Tensor4D => add(batch.images, made.perturbation as Tensor4D));
        const found = await predict(network, images, batch).finally(() => images.dispose());
        const length = delta.length / batchSize;
        const stages = await stagesOf(attack, work, made);
        return found.map(({ prediction }, row) => ({
          prediction,
          target: targets?.[row],
          perturbation: delta.subarray(row * length, (row + 1) * length),
          stage: stages?.[row],
        }));
      } finally {
        dispose(made);
      }
    });
  } finally {
    dispose([batch.images, batch.labels]);
    targetTensor?.dispose();
  }
}

const runOf = ({ rows }: Work, row: number) => rows[row]!.subject.planned.runs[rows[row]!.run]!;
const nameOfRun = (work: Work, row: number) => runOf(work, row).name;

function targetsOf(setting: Setting, attack: Attack, work: Work): number[] | undefined {
  const random = setting.random.fork(attack.name);
  const targets = work.rows.map(({ subject }, row) => {
    const run = runOf(work, row);
    const own = () => random.forExamples([subject.index], [purposeOf(run)]);
    return targetOf(run, subject.wrongClasses, own);
  });
  const some = targets.filter((target) => target !== undefined);
  if (some.length === 0) return undefined;
  if (some.length < targets.length) {
    throw new Error(`Attack "${attack.name}": either all of its runs have targets, or none.`);
  }
  return some;
}

/** Begun is stage 0; each stage of each run draws its own numbers. */
const purposesOf = ({ rows, begins }: Work) =>
  rows.map(({ subject, run }) => [
    ...purposeOf(subject.planned.runs[run]!),
    ...(isStaged(subject.planned.attack) ? ['stage', begins ? 0 : subject.stage!.done + 1] : []),
  ]);

async function perturbed(attack: Attack, work: Work, problem: Problem): Promise<NamedTensorMap> {
  if (!isStaged(attack)) return { perturbation: await attack.perturb(problem) };
  if (work.begins) return attack.begin(problem);
  const state = tidy(() => gathered(work, problem.indices.length));
  try {
    return attack.advance(problem, state);
  } finally {
    dispose(state);
  }
}

export const isStaged = (attack: Attack): attack is StagedAttack => 'stages' in attack;

/** The state of the rows as one state of the batch. */
function gathered({ rows }: Work, size: number): NamedTensorMap {
  const states = padded(
    rows.map(({ subject }) => subject.stage!.state),
    size,
  );
  return Object.fromEntries(
    Object.entries(states[0]!).map(([name, { shape, dtype, values }]) => {
      const all = new (dtype === 'int32' ? Int32Array : Float32Array)(size * values.length);
      states.forEach((state, row) => {
        all.set(state[name]!.values, row * values.length);
      });
      return [name, tensor(all, [size, ...shape], dtype)];
    }),
  );
}

async function stagesOf(
  attack: Attack,
  work: Work,
  made: NamedTensorMap,
): Promise<Stage[] | undefined> {
  if (!isStaged(attack)) return undefined;
  const entries = await Promise.all(
    Object.entries(made).map(async ([name, part]) => [name, await rowsOf(part)] as const),
  );
  return work.rows.map(({ subject }, row) => ({
    done: work.begins ? 0 : subject.stage!.done + 1,
    state: Object.fromEntries(entries.map(([name, rows]) => [name, rows(row)])),
  }));
}

async function rowsOf(part: Tensor): Promise<(row: number) => StateRow> {
  const values = (await part.data()) as Float32Array | Int32Array;
  const [size, ...shape] = part.shape;
  const length = values.length / size!;
  const dtype = part.dtype as StateRow['dtype'];
  return (row) => ({ values: values.slice(row * length, (row + 1) * length), shape, dtype });
}
