import { version } from '@llr/train';
import { Command, CommanderError } from 'commander';
import { bounds } from './commands/bounds.ts';
import { data } from './commands/data.ts';
import { doctor } from './commands/doctor.ts';
import { engine } from './commands/engine.ts';
import { evalCommand } from './commands/eval.ts';
import { gamma } from './commands/gamma.ts';
import { panels } from './commands/panels.ts';
import { report } from './commands/report.ts';
import { reproduce } from './commands/reproduce.ts';
import { surface } from './commands/surface.ts';
import { train } from './commands/train.ts';
import { verdict } from './commands/verdict.ts';
import { Interrupted } from './eval/interrupt.ts';
import { FailedTogether } from './ranks/failure.ts';
import { SaidElsewhere } from './ranks/in-world.ts';

/** In the order of the help. */
const commands = [
  train,
  evalCommand,
  verdict,
  surface,
  gamma,
  panels,
  bounds,
  report,
  reproduce,
  data,
  engine,
  doctor,
];

/**
 * Runs the command line.
 *
 * @param args - without the program's own name
 * @returns the exit code: 0, 1 when something went wrong, 2 when the command line itself was, 130 after Ctrl-C
 */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command('llr')
    .description('Train, attack and measure adversarially robust image classifiers.')
    .version(version)
    // A subcommand's options are its own, also where the command above it has some of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'llr: ')) });
  for (const add of commands) add(program);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof SaidElsewhere) return error.exitCode;
    process.stderr.write(`llr: ${error instanceof Error ? error.message : String(error)}\n`);
    if (process.env.LLR_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return error instanceof Interrupted || error instanceof FailedTogether ? error.exitCode : 1;
  }
}
