import progress from 'cli-progress';

/** What a command shows on its way. Everything goes to stderr, so that stdout holds the result alone. */
export interface Output {
  /** One line. */
  say(line: string): void;
  /** A progress bar with rate and time left, `unit` being what the rate counts; call `done()` when its work has ended. */
  bar(task: string, unit: string): ProgressBar;
}

interface ProgressBar {
  /** @param rate - units a second. Default: how much was done a second since the first update */
  update(done: number, total: number, detail?: string, rate?: number): void;
  done(): void;
}

/** @param quiet - shows nothing */
export function output(quiet: boolean): Output {
  if (quiet) {
    return { say: () => {}, bar: () => ({ update: () => {}, done: () => {} }) };
  }
  return { say: (line) => void process.stderr.write(`${line}\n`), bar: progressBar };
}

function progressBar(task: string, unit: string): ProgressBar {
  const bar = new progress.SingleBar({
    format: `  ${task.padEnd(24)} {bar} {percentage} % | {rate} ${unit}/s | {eta_formatted} left | {detail}`,
    stream: process.stderr,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    etaBuffer: 50,
    // Words stand for a time that isn't known, or is infinite.
    formatTime: (seconds: number | string, options, step) =>
      typeof seconds === 'number' ? progress.Format.TimeFormat(seconds, options, step) : '?',
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    // Its own handler would wait for a turn of the event loop, which a training loop doesn't give.
    gracefulExit: false,
  });
  const started = performance.now();
  let first = 0;
  let running = false;
  return {
    update: (done, total, detail = '', measured) => {
      // What was done before, by an earlier run that is gone on with, took none of this time.
      if (!running) first = done;
      const elapsed = Math.max(1, performance.now() - started);
      const rate = (measured ?? ((done - first) * 1000) / elapsed).toFixed(1);
      if (running) bar.update(done, { rate, detail });
      else bar.start(total, done, { rate, detail });
      running = true;
    },
    done: () => bar.stop(),
  };
}
