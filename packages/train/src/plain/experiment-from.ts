import type { Attack } from '@llr/core';
import { z } from 'zod';
import type { TrainCallback } from '../callbacks.ts';
import {
  defineExperiment,
  type Experiment,
  type ExperimentParts,
  experimentSchema,
  invalidExperiment,
} from '../experiment.ts';
import { problemsOf } from '../schema/problems.ts';
import { attackLists, attacks } from './attacks.ts';
import { callbacks } from './callbacks.ts';
import { data } from './data.ts';
import { type Load, part } from './kind.ts';
import { learningRates } from './learning-rates.ts';
import { losses } from './losses.ts';
import { models } from './models.ts';
import { number } from './numbers.ts';
import { weightOptimizers } from './optimizers.ts';
import type { PlainExperiment } from './plain-experiment.ts';
import { regularizers } from './regularizers.ts';

/**
 * The experiment that plain data describes. Names are looked up among the plugins that come with LLR, and
 * `{ from: module }` is loaded.
 *
 * @param options.load - gives the default export of a module; without it, `from` is an error
 * @throws naming every field that is missing, unknown or wrong, what is allowed, and what may have been meant
 */
export async function experimentFrom(
  plain: PlainExperiment,
  { load = cannotLoad }: { load?: Load } = {},
): Promise<Experiment> {
  const schema = experimentSchema(plainParts(load));
  const checked = await schema.safeParseAsync(plain, { reportInput: true });
  if (!checked.success) throw invalidExperiment(problemsOf(checked.error));
  return defineExperiment(checked.data as Experiment);
}

/** The parts as they are in plain data. */
const plainParts = (load: Load): ExperimentParts => ({
  data: part(data, load),
  model: part(models, load),
  loss: part(losses, load),
  optimizer: part(weightOptimizers, load),
  learningRate: part(learningRates, load),
  callback: part<TrainCallback>(callbacks, load),
  regularizer: part(regularizers(load), load),
  attack: part(attacks(load), load),
  attacks: z
    .array(part(attackLists(load), load))
    .transform((lists): readonly Attack[] => lists.flat()),
  epsilon: number,
});

const cannotLoad: Load = (module) => {
  throw new Error(`${module} can't be loaded here: give experimentFrom a load function`);
};
