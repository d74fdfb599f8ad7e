import type { RunRecord } from '@llr/train';

type Trained = Pick<RunRecord, 'regularizers'>;

/** "llr (lambda 4, mu 3, variant paper)"; "nominal training" without regularisers. */
export const trainingInWords = ({ regularizers }: Trained): string =>
  regularizers.map(({ name, settings = {} }) => named(name, Object.entries(settings))).join(', ') ||
  'nominal training';

/** The same with the numbers only: "llr (lambda 4, mu 3)". */
export const trainingInShort = ({ regularizers }: Trained): string =>
  trainingInWords({
    regularizers: regularizers.map(({ name, settings = {} }) => ({
      name,
      settings: Object.fromEntries(
        Object.entries(settings).filter(([, value]) => typeof value === 'number'),
      ),
    })),
  });

function named(name: string, settings: readonly (readonly [string, unknown])[]): string {
  const values = settings.map(([setting, value]) => `${setting} ${value}`);
  return values.length > 0 ? `${name} (${values.join(', ')})` : name;
}
