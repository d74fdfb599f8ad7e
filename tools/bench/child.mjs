import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pythonWith } from './python.mjs';

const here = import.meta.dirname;
const running = new Set();

/** Ends whatever is still running. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

function programOf({ runtime, args, program }, folder, layout) {
  if (program) return program();
  if (runtime === 'node') return [process.execPath, join(here, 'ours/main.mjs'), folder, ...args];
  if (runtime === 'jax') return [pythonWith('jax'), join(here, 'peers/jax_peer.py'), folder];
  const peer = join(here, 'peers/torch_peer.py');
  return [pythonWith('torch'), peer, folder, ...args, '--layout', layout];
}

/** The same number of threads for all, none of which spins while another variant has its turn. */
export function environmentOf({ env }, threads) {
  return {
    OMP_WAIT_POLICY: 'passive',
    KMP_BLOCKTIME: '0',
    TF_CPP_MIN_LOG_LEVEL: '3',
    ...process.env,
    CUDA_VISIBLE_DEVICES: '',
    JAX_PLATFORMS: 'cpu',
    OMP_NUM_THREADS: String(threads),
    TF_NUM_INTRAOP_THREADS: String(threads),
    ...env,
  };
}

/** A variant in a process of its own, idle but while it answers. */
export class Child {
  /** @param options - `layout` is PyTorch's memory format */
  static async start(variant, folder, { threads, layout }) {
    assertMemory();
    const child = new Child(variant, folder, threads, layout);
    const { ready, startRss } = await child.#answer();
    return Object.assign(child, { description: ready, startRss });
  }

  #process;
  #answers;
  #errors = '';

  constructor(variant, folder, threads, layout) {
    this.variant = variant;
    this.layout = layout;
    // Fewer threads than processors: every runtime keeps to the processors it may use.
    const all = threads === availableParallelism();
    const [program, ...args] = [
      ...(all ? [] : ['taskset', '-c', `0-${threads - 1}`]),
      ...programOf(variant, folder, layout),
    ];
    this.#process = spawn(program, args, {
      env: environmentOf(variant, threads),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this.#process);
    this.exited = new Promise((resolve) => {
      this.#process.on('error', (error) => {
        this.#errors += error.message;
        resolve();
      });
      this.#process.on('close', () => {
        running.delete(this.#process);
        resolve();
      });
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    // A process that has ended can't be written to; that it has is seen when its answer is awaited.
    this.#process.stdin.on('error', () => {});
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async #answer() {
    for (;;) {
      const { value: line, done } = await this.#answers.next();
      if (done) {
        await this.exited;
        throw new Error(`${this.variant.name} ended before it answered.\n${this.#errors.trim()}`);
      }
      // Libraries may print; answers are JSON objects.
      if (line.startsWith('{')) return JSON.parse(line);
    }
  }

  #ask(command) {
    this.#process.stdin.write(`${command}\n`);
    return this.#answer();
  }

  /** One step: `{ value, seconds, cpuSeconds }`. */
  step = () => this.#ask('step');

  /** Writes what must agree with others into a safetensors file. The process can only be ended afterwards. */
  check = (file) => this.#ask(`check ${file}`);

  /** Ends the process and gives its peak resident memory in kB. */
  async end() {
    const { peakRss } = await this.#ask('end');
    await this.exited;
    return peakRss;
  }
}

const leastMemory = 1.5e9;

function assertMemory() {
  const available =
    1024 * Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]);
  if (available > leastMemory) return;
  throw new Error(
    `Only ${Math.round(available / 1e6)} MB of memory are left, and swapping would spoil every timing. Compare fewer variants in one run (--only).`,
  );
}
