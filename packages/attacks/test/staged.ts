import { type Problem, randomSource, type StagedAttack } from '@llr/core';
import { dispose, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';

/** A problem without its random numbers, which are each row's own. */
export type Posed = Omit<Problem, 'random'>;

/** As an evaluation poses a stage: a row's random numbers depend on its example and on how far it has got. */
export const atStages = (
  posed: Posed,
  stages: readonly number[],
  { seed = 0, restart = 0 } = {},
): Problem => ({
  ...posed,
  random: randomSource(seed).forExamples(
    posed.indices,
    stages.map((stage) => ['restart', restart, 'stage', stage]),
  ),
});

/** One stage of a run, all rows at the same. Stage 0 is the first after the beginning, and takes the state away. */
export function advanced(
  attack: StagedAttack,
  posed: Posed,
  state: NamedTensorMap,
  stage: number,
  options: { seed?: number; restart?: number } = {},
): NamedTensorMap {
  const stages = Array.from(posed.indices, () => stage);
  const next = attack.advance(atStages(posed, stages, options), state);
  dispose(state as { [name: string]: Tensor });
  return next;
}

export const begun = (
  attack: StagedAttack,
  posed: Posed,
  options: { seed?: number; restart?: number } = {},
): NamedTensorMap =>
  attack.begin(
    atStages(
      posed,
      Array.from(posed.indices, () => 0),
      options,
    ),
  );

/** A whole run; `onState` sees the state at its beginning and after each stage. */
export function finished(
  attack: StagedAttack,
  posed: Posed,
  onState: (state: NamedTensorMap) => void = () => {},
  options: { seed?: number; restart?: number } = {},
): NamedTensorMap {
  let state = begun(attack, posed, options);
  onState(state);
  for (let stage = 0; stage < attack.stages; stage++) {
    state = advanced(attack, posed, state, stage, options);
    onState(state);
  }
  return state;
}

/** The values of a state's tensor, by row. */
export function rowsOf(tensor: Tensor): number[][] {
  const values = Array.from(tensor.dataSync());
  const length = values.length / tensor.shape[0]!;
  return Array.from({ length: tensor.shape[0]! }, (_, row) =>
    values.slice(row * length, (row + 1) * length),
  );
}
