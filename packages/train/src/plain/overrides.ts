import { parse } from 'yaml';
import { namesInstead } from '../schema/closest-name.ts';
import { hasMethod } from '../schema/fields.ts';

/**
 * A config with some of its values replaced. What is not a field of an experiment or an option of a plugin is
 * found by `experimentFrom`, which says what may have been meant.
 *
 * @param settings - `'train.batchSize=128'`, `'variants.LLR.regularizers.0.lambda=3'`: a path and a value in
 *   YAML; `null` takes the field away. A plugin given by its name alone gets options so: `'model.activation=relu'`
 * @throws when a setting is no such text, or its path leads through something that isn't there or is made in code
 */
export function withOverrides<Config>(config: Config, settings: readonly string[]): Config {
  return settings.reduce((changed: unknown, setting) => {
    const [, path, text] = /^\s*([^=\s]+)\s*=(.*)$/s.exec(setting) ?? [];
    if (path === undefined || text === undefined) {
      throw new Error(`"${setting}" should be path=value, such as train.batchSize=128.`);
    }
    return replaced(changed, path.split('.'), parsedValue(text, setting), []);
  }, config) as Config;
}

function parsedValue(text: string, setting: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`"${setting}": the value is no YAML. ${(error as Error).message}`);
  }
}

/** Lists of names of the user's own choosing, where a name that isn't there can't be a field that is left out. */
const ownNames = ['variants'];

const methods = ['penalty', 'runs', 'open', 'maximize', 'update', 'onStep', 'onMetrics'];

function replaced(
  at: unknown,
  path: readonly string[],
  value: unknown,
  done: readonly string[],
): unknown {
  if (path.length === 0) return value;
  const here = done.join('.');
  if (typeof at === 'function' || methods.some((method) => hasMethod(at, method))) {
    throw new Error(
      `${here} is made in code, and has to be changed there, not as ${[...done, ...path].join('.')}.`,
    );
  }
  const fields: unknown = typeof at === 'string' ? { name: at } : (at ?? {});
  if (typeof fields !== 'object' || fields === null) {
    throw new Error(`${here} is ${String(at)}, which has no field ${path.join('.')}.`);
  }
  if (Array.isArray(fields)) return replacedInList(fields, path, value, done);
  const { key, rest } = firstOf(path, fields);
  if (rest.length > 0 && ownNames.includes(here) && !Object.hasOwn(fields, key)) {
    throw new Error(`${here} has no "${key}"; ${namesInstead(key, Object.keys(fields))}.`);
  }
  const { [key]: old, ...others } = fields as Record<string, unknown>;
  const next = replaced(old, rest, value, [...done, key]);
  if (next === null) return others;
  // In its old place, where it has one.
  return { ...fields, [key]: next };
}

function replacedInList(
  list: readonly unknown[],
  [index, ...rest]: readonly string[],
  value: unknown,
  done: readonly string[],
): unknown {
  const here = done.join('.');
  const place = /^\d+$/.test(index!) ? Number(index) : Number.NaN;
  // One after the last is a new one.
  if (!(place < list.length + (rest.length === 0 ? 1 : 0))) {
    throw new Error(
      `${here} has ${list.length} ${list.length === 1 ? 'entry' : 'entries'}, numbered from 0; there is no ${here}.${index}.`,
    );
  }
  const next = replaced(list[place], rest, value, [...done, index!]);
  return next === null ? list.toSpliced(place, 1) : list.toSpliced(place, 1, next);
}

/** The first name of a path: the longest that is there, for names may have dots in them. */
function firstOf(
  path: readonly string[],
  fields: object,
): { key: string; rest: readonly string[] } {
  for (let length = path.length; length > 1; length--) {
    const key = path.slice(0, length).join('.');
    if (Object.hasOwn(fields, key)) return { key, rest: path.slice(length) };
  }
  return { key: path[0]!, rest: path.slice(1) };
}
