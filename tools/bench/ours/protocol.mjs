import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** VmHWM (the peak) or VmRSS of this process, in kB. */
export const rss = (field) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]);

const answer = (values) => process.stdout.write(`${JSON.stringify(values)}\n`);

/**
 * Runs a variant until `end`: commands on stdin, one JSON line each on stdout, as in peers/protocol.py.
 *
 * @param variant - `step()` runs one step and returns a number, or a promise of it, that depends on all of it; `check(file)` writes
 *   what must agree
 * @param {string} description - what runs it, with its version
 * @param {number} startRss - in kB, before the problem was loaded
 */
export async function serve(variant, description, startRss) {
  answer({ ready: description, startRss });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, argument] = line.split(/ (.*)/);
    if (command === 'step') {
      const began = performance.now();
      const cpu = process.cpuUsage();
      const value = await variant.step();
      const { user, system } = process.cpuUsage(cpu);
      const seconds = (performance.now() - began) / 1000;
      answer({ value, seconds, cpuSeconds: (user + system) / 1e6 });
    } else if (command === 'check') {
      variant.check(argument);
      answer({ file: argument });
    } else {
      answer({ peakRss: rss('VmHWM') });
      break;
    }
  }
}
