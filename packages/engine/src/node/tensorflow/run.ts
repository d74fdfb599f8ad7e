import { spawn } from 'node:child_process';

/** A program that ended with an error: `output` holds the end of what it printed. */
export class ProgramFailed extends Error {
  readonly output: string;

  constructor(program: string, output: string) {
    super(`${program} failed: ${output}`);
    this.output = output;
  }

  /** The end of what it printed, indented. */
  lastWords(lines = 8): string {
    return this.output
      .trim()
      .split('\n')
      .slice(-lines)
      .map((line) => `\n  ${line}`)
      .join('');
  }
}

/**
 * Runs a program; returns what it wrote to stdout.
 *
 * @throws ProgramFailed where it can't be started or ends with another exit code than 0
 */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let all = '';
    child.stdout.on('data', (text) => {
      stdout += text;
      all += text;
    });
    child.stderr.on('data', (text) => {
      all += text;
    });
    child.on('error', (error) => fail(new ProgramFailed(command, error.message)));
    child.on('close', (code, signal) => {
      if (code === 0) done(stdout);
      else fail(new ProgramFailed(command, signal ? `${all}\nended by ${signal}` : all));
    });
  });
}

/** Whether a program runs and ends well. */
export const runs = (command: string, args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );
