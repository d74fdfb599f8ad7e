import type { MetricsLine } from '../run-directory.ts';

/** What is set rather than measured, and how it is spelled. */
const schedules: Readonly<Record<string, string>> = {
  epoch: 'epoch',
  epsilon: 'epsilon',
  learningRate: 'learning rate',
};
const validation = 'validation ';

/**
 * The scalars of a metrics line by the tags that TensorBoard groups them with: `train/loss`,
 * `validation/robust accuracy`, `schedule/epsilon`. The epoch of a line that is about validation alone is left out:
 * the line of training before it, of the same step, has it.
 */
export function scalarsOf({ step: _, epoch, ...metrics }: MetricsLine): Record<string, number> {
  const names = Object.keys(metrics);
  const ofTraining = names.length === 0 || !names.every((name) => name.startsWith(validation));
  return Object.fromEntries(
    Object.entries({ ...(ofTraining && { epoch }), ...metrics }).map(([name, value]) => [
      tagOf(name),
      value,
    ]),
  );
}

function tagOf(name: string): string {
  if (Object.hasOwn(schedules, name)) return `schedule/${schedules[name]}`;
  if (name.startsWith(validation)) return `validation/${name.slice(validation.length)}`;
  return `train/${name}`;
}
