import type { World } from '../src/parallel/world.ts';

/** Ranks that share one process: what they do together is done when all have come to it. */
export function memoryWorlds(size: number): World[] {
  const names = Array.from({ length: size }, (_, rank) => `rank ${rank} of ${size} in memory`);
  let meeting = begun(size);
  const meet = <T>(rank: number, value: T): Promise<T[]> => {
    const now = meeting;
    now.values[rank] = value;
    now.missing -= 1;
    if (now.missing === 0) {
      meeting = begun(size);
      now.resolve(now.values);
    }
    return now.everyone as Promise<T[]>;
  };
  const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value ?? null));
  return names.map((description, rank) => ({
    rank,
    size,
    description,
    names,
    allReduceSum: async (values) => {
      const all = await meet(rank, values.slice());
      for (const i of values.keys()) values[i] = all.reduce((sum, each) => sum + each[i]!, -0);
    },
    gather: async (value) => {
      const all = await meet(rank, asJson(value));
      return rank === 0 ? all : undefined;
    },
    broadcast: async <T>(value: T | undefined) => (await meet(rank, asJson(value)))[0] as T,
    barrier: async () => void (await meet(rank, undefined)),
    abort: (message) => {
      throw new Error(message);
    },
    finalize: async () => {},
  }));
}

interface Meeting {
  values: unknown[];
  missing: number;
  everyone: Promise<unknown[]>;
  resolve: (values: unknown[]) => void;
}

function begun(size: number): Meeting {
  let resolve: Meeting['resolve'] = () => {};
  const everyone = new Promise<unknown[]>((done) => {
    resolve = done;
  });
  return { values: [], missing: size, everyone, resolve };
}

/** Has every rank do something; what each came to. */
export const onAll = <T>(worlds: readonly World[], work: (world: World) => Promise<T>) =>
  Promise.allSettled(worlds.map(work));
