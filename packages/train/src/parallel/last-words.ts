import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { everyone } from './everyone.ts';
import type { World } from './world.ts';

/** Keeps the last line that it reads, and says it at the end of the input. Signals for the job are not for it. */
const keeper = `trap '' TERM INT HUP
while IFS= read -r line; do last=$line; done
[ -z "$last" ] || printf '%s\\n' "$last" >&2`;

/**
 * What is said on stderr when this process is killed: mpirun ends all others at once when one has died, and leaves them
 * no time. A shell, in a session of its own, says it.
 */
export class LastWords {
  readonly #shell: ChildProcess;
  readonly #processes: string;

  /** Of rank 0, where there are several; they have to begin together. */
  static async in(world: World): Promise<LastWords | undefined> {
    if (world.size === 1) return undefined;
    const processes = await everyone(world, () => process.pid);
    if (world.rank > 0) return undefined;
    return new LastWords(processes.map((id, rank) => `${world.names[rank]} is process ${id}`));
  }

  private constructor(processes: readonly string[]) {
    this.#processes = processes.join(', ');
    this.#shell = spawn('sh', ['-c', keeper], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.#shell.unref();
    (this.#shell.stdin as Socket).unref();
    // Without a shell there is nobody to say it.
    for (const each of [this.#shell, this.#shell.stdin!]) each.on('error', () => {});
  }

  /** @param kept - a sentence on what is left to go on from */
  are(kept: string): void {
    this.#shell.stdin!.write(
      `llr: Training was ended from outside: a rank has died, or the job was stopped. mpirun names it, or its process: ${this.#processes}. ${kept} To go on: the same command with --resume.\n`,
    );
  }

  takeBack(): void {
    this.#shell.stdin!.end('\n');
  }
}
