import { z } from 'zod';
import { namesInstead } from '../schema/closest-name.ts';
import { explanation } from '../schema/problems.ts';

/** Gives the default export of a module that a config names: a file beside it, or a package. */
export type Load = (module: string) => Promise<unknown>;

/** Something that a config can name: what its options must be, and what makes it of them. */
export interface Plugin<Made> {
  options: z.ZodType<object>;
  make(options: never): Made;
}

/** One kind of thing that a config can name, such as regularisers. */
export interface Kind<Made> {
  /** With its article: `'a regulariser'`. */
  readonly title: string;
  /** What one is, for errors: `'an object with a name and a penalty() method'`. */
  readonly shape: string;
  /** Whether a value needs no making. */
  readonly is: (value: unknown) => boolean;
  /** By name. */
  readonly plugins: Readonly<Record<string, Plugin<Made>>>;
  /** The field that holds the name. Default `'name'`. */
  readonly key?: string;
  /** Plugins whose names follow a pattern. */
  readonly find?: (name: string) => Plugin<Made> | undefined;
  /** Makes one of a module's default export. Default: calls it with the options if it is a function. */
  readonly fromModule?: (exported: unknown, options: object) => unknown;
}

/** What keeps a description from being made, and at which of its fields. */
class Refusal extends Error {
  readonly path: readonly PropertyKey[];
  constructor(message: string, path: readonly PropertyKey[] = []) {
    super(message);
    this.path = path;
  }
}

/**
 * A part of an experiment that is there already, or described: a name, `{ name, …options }`, or
 * `{ from: module, …options }` of the user's own.
 */
export const part = <Made>(kind: Kind<Made>, load: Load): z.ZodType<Made> =>
  z.unknown().transform(async (value, context) => {
    if (kind.is(value)) return value as Made;
    try {
      return await made(kind, value, load);
    } catch (error) {
      const path = error instanceof Refusal ? [...error.path] : [];
      context.issues.push({
        code: 'custom',
        message: (error as Error).message,
        path,
        input: value,
      });
      return z.NEVER;
    }
  });

async function made<Made>(kind: Kind<Made>, value: unknown, load: Load): Promise<Made> {
  const { key = 'name', title, shape } = kind;
  const described: unknown = typeof value === 'string' ? { [key]: value } : value;
  if (typeof described !== 'object' || described === null || Array.isArray(described)) {
    const is = value === undefined ? 'is missing: it must' : 'must';
    throw new Refusal(`${is} be ${title}: { ${key}: … }, { from: './file.ts' }, or ${shape}`);
  }
  const { [key]: name, from, ...options } = described as Record<string, unknown>;
  if (typeof from === 'string') {
    return (await fromModule(
      kind,
      from,
      name === undefined ? options : { [key]: name, ...options },
      load,
    )) as Made;
  }
  const known = Object.keys(kind.plugins);
  if (typeof name !== 'string') {
    throw new Refusal(
      `must say which ${title.replace(/^an? /, '')} it is, as ${key}: ${known.join(', ')}; or from which file it comes`,
    );
  }
  const plugin = Object.hasOwn(kind.plugins, name) ? kind.plugins[name] : kind.find?.(name);
  if (!plugin)
    throw new Refusal(
      `there is no ${title.replace(/^an? /, '')} "${name}"; ${namesInstead(name, known)}`,
    );
  const checked = await plugin.options.safeParseAsync(options, { reportInput: true });
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new Refusal(`${name}: ${explanation(issue!)}`, issue!.path);
  }
  return plugin.make(checked.data as never);
}

/** A module's own: its default export, or what that makes of the options. */
async function fromModule<Made>(
  { title, shape, is, fromModule: make = called }: Kind<Made>,
  from: string,
  options: object,
  load: Load,
): Promise<unknown> {
  const found = await make(await load(from), options);
  if (is(found)) return found;
  throw new Refusal(
    `${from} gives no ${title.replace(/^an? /, '')}: its default export must be ${shape}, or a function of the options that makes one`,
  );
}

async function called(exported: unknown, options: object): Promise<unknown> {
  if (typeof exported === 'function') return exported(options);
  if (Object.keys(options).length === 0) return exported;
  throw new Refusal(
    `takes no options, such as ${Object.keys(options).join(', ')}: the default export of the file is no function`,
  );
}
