import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { main } from '../src/main.ts';

/** The command line's own file. */
export const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));

/** What Node needs to run it from the sources. */
export const sourceArguments = [
  '--import',
  import.meta.resolve('tsx'),
  '--conditions',
  '@llr/source',
];

/** The config of a tiny experiment that trains in a second. */
export const stripesConfig = fileURLToPath(new URL('fixtures/stripes.config.ts', import.meta.url));

/** The same for longer, and slow if asked to be. */
export const slowConfig = fileURLToPath(new URL('fixtures/slow.config.ts', import.meta.url));

/** The same with a regulariser that returns NaN. */
export const nanConfig = fileURLToPath(new URL('fixtures/nan.config.ts', import.meta.url));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the command line in a process of its own, from the sources. */
export function llr(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const node = [...sourceArguments, bin, ...args];
  return new Promise((done) => {
    execFile(
      process.execPath,
      node,
      { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** Runs the command line in this process, which is quicker. */
export async function llrHere(args: readonly string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const capture = (stream: 'stdout' | 'stderr') =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += text;
      return true;
    });
  const spies = [capture('stdout'), capture('stderr')];
  try {
    const code = await main(args);
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
