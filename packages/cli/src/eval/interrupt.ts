/** The program was asked to end, and ends with the exit code that shells expect then. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** 128 and the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGUSR2: 140 };

/**
 * Tells of the first Ctrl-C (or SIGTERM, as schedulers send it; or SIGUSR2, which Open MPI's mpirun passes on as it is),
 * for the work to end when it may; the second one ends the process at once.
 *
 * @returns stops listening
 */
export function onInterrupt(interrupted: (exitCode: number) => void): () => void {
  let before = false;
  const listener = (signal: NodeJS.Signals) => {
    const exitCode = exitCodes[signal as keyof typeof exitCodes];
    if (before) process.exit(exitCode);
    before = true;
    interrupted(exitCode);
  };
  for (const signal of Object.keys(exitCodes)) process.on(signal, listener);
  return () => {
    for (const signal of Object.keys(exitCodes)) process.off(signal, listener);
  };
}
