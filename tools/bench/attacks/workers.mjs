// The two processes of the bench. Each does one task at a time, so that only one of them computes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environmentOf } from '../child.mjs';
import { pythonWith } from '../python.mjs';

const here = import.meta.dirname;
const running = new Set();

/** Ends whatever is still running. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/** Asks `task` of a process that answers each line of JSON with another. */
export async function startWorker(name, program, threads) {
  const [file, ...args] = program;
  const child = spawn(file, args, { env: environmentOf({ env: {} }, threads) });
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-4000);
  });
  child.on('close', () => running.delete(child));
  child.stdin.on('error', () => {});
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    for (;;) {
      const { value: line, done } = await answers.next();
      if (done) throw new Error(`${name} ended before it answered.\n${errors.trim()}`);
      if (line.startsWith('{')) return JSON.parse(line);
    }
  };
  const { ready } = await answer();
  return {
    description: ready,
    ask: (task) => {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      return answer();
    },
  };
}

export const startOurs = (folder, threads) =>
  startWorker('Ours', [process.execPath, join(here, 'ours/main.mjs'), folder], threads);

export const startPeers = (folder, threads) =>
  startWorker('The peers', [pythonWith('attacks'), join(here, 'peers/main.py'), folder], threads);
