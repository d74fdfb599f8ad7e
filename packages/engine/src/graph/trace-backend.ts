import {
  type DataId,
  engine,
  type Tensor,
  type TensorInfo,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { DataStorage, TensorData, TensorFlowBackend } from './binding.ts';
import type { Value } from './graph-builder.ts';
import { NotCompilableError } from './not-compilable-error.ts';
import type { Recorder } from './recorder.ts';

interface Counters {
  numTensors: number;
  numBytes: number;
  numDataBuffers: number;
  numStringTensors: number;
}

interface EngineState extends Counters {
  registeredVariables: Record<string, Variable>;
  tensorInfo: WeakMap<DataId, { backend: unknown; dtype: string; shape: number[]; bytes: number }>;
}

interface Engine {
  backendInstance: unknown;
  state: EngineState;
}

const counterNames = ['numTensors', 'numBytes', 'numDataBuffers', 'numStringTensors'] as const;

/** The backend that a function is recorded on: tfjs-node's own, with another addon and other tensors. */
export interface TraceBackend extends TensorFlowBackend {
  /** A hollow tensor. */
  tensor(value: Value): Tensor;
  /** The value behind a tensor of the function. */
  valueOf(tensor: TensorInfo): Value;
}

/** Gives the value that a variable stands for, when the function first reads it. */
type Capture = (variable: Variable) => Value;

/**
 * Runs a function on a stand-in for tfjs-node's backend. Every registered variable is hollow meanwhile; any other
 * tensor from outside is refused.
 *
 * @param capture - called with a variable when it is first read; gives the value it stands for
 * @param fn - gets the backend, and a function that gives the variables assigned to, with what they hold now
 */
export function onTraceBackend<T>(
  recorder: Recorder,
  capture: Capture,
  fn: (backend: TraceBackend, assigned: () => readonly Variable[]) => T,
): T {
  const tfjs = engine() as unknown as Engine;
  const real = tfjs.backendInstance as TensorFlowBackend;
  const { state } = tfjs;
  const counters = Object.fromEntries(counterNames.map((name) => [name, state[name]]));
  const before = Object.values(state.registeredVariables);
  const { backend, storage } = makeBackend(recorder, real, state);
  const restore = replaceVariables(before, { recorder, backend, storage, capture, state });
  const random = Math.random;
  Math.random = () => {
    throw new NotCompilableError(
      'it draws random numbers, which a graph would repeat in every call. Draw them before, and pass them in.',
    );
  };
  tfjs.backendInstance = backend;
  const refuseReading = () => {
    throw new NotCompilableError(
      'it reads the value of a tensor from outside, which would be a constant of the graph.',
    );
  };
  Object.assign(real, { readSync: refuseReading, read: refuseReading });
  try {
    const result = fn(backend, restore.assigned);
    const made = Object.keys(state.registeredVariables).filter(
      (name) => !before.some((variable) => variable.name === name),
    );
    for (const name of made) delete state.registeredVariables[name];
    if (made.length > 0) {
      throw new NotCompilableError('it makes a variable. Make variables before, once.');
    }
    return result;
  } finally {
    Math.random = random;
    tfjs.backendInstance = real;
    // These hid the methods of its class.
    Reflect.deleteProperty(real, 'readSync');
    Reflect.deleteProperty(real, 'read');
    restore.variables();
    Object.assign(state, counters);
  }
}

function makeBackend(recorder: Recorder, real: TensorFlowBackend, state: EngineState) {
  const storage = new HollowStorage((dataId) => {
    const { dtype, shape } = state.tensorInfo.get(dataId) ?? { dtype: 'disposed', shape: '?' };
    return `a ${dtype} tensor of shape [${shape}]`;
  });
  const backend = Object.create(real, {
    binding: { value: recorder.binding() },
    tensorMap: { value: storage },
    // Not the real backend's, which refuses while a function is recorded.
    readSync: { value: Object.getPrototypeOf(real).readSync },
    read: { value: Object.getPrototypeOf(real).read },
  }) as TraceBackend;
  backend.tensor = (value) => backend.createOutputTensor(recorder.hollow(value));
  backend.valueOf = (tensor) => recorder.valueOf(backend.getInputTensorIds([tensor])[0]!);
  return { backend, storage };
}

function replaceVariables(
  variables: readonly Variable[],
  at: {
    recorder: Recorder;
    backend: TraceBackend;
    storage: HollowStorage;
    capture: Capture;
    state: EngineState;
  },
) {
  const { recorder, backend, storage, capture, state } = at;
  const uses = variables.map((variable) => {
    const real = variable.dataId;
    const stand: DataId = {};
    const { shape, dtype } = variable;
    state.tensorInfo.set(stand, { backend, dtype, shape, bytes: 0 });
    storage.later(stand, () => {
      const { id, dtype, shape } = recorder.hollow(capture(variable));
      return { id, dtype, shape, values: null, refCount: 1 };
    });
    variable.dataId = stand;
    return { variable, real, stand };
  });
  return {
    assigned: () =>
      uses
        .filter(({ variable, stand }) => variable.dataId !== stand)
        .map(({ variable }) => variable),
    variables: () => {
      for (const { variable, real } of uses) variable.dataId = real;
    },
  };
}

/** The tensors of a function being recorded; those of variables come into being when first used. */
class HollowStorage implements DataStorage {
  readonly describe: (dataId: DataId) => string;
  readonly #data = new Map<DataId, TensorData>();
  readonly #later = new Map<DataId, () => TensorData>();

  constructor(describe: (dataId: DataId) => string) {
    this.describe = describe;
  }

  later(dataId: DataId, make: () => TensorData): void {
    this.#later.set(dataId, make);
  }

  get(dataId: DataId): TensorData {
    const known = this.#data.get(dataId);
    if (known) return known;
    const make = this.#later.get(dataId);
    if (!make) {
      throw new NotCompilableError(
        `it uses ${this.describe(dataId)} from outside, which is neither an argument nor a variable and would be a constant of the graph. Pass it as an argument, make it inside, or make it a variable.`,
      );
    }
    this.#later.delete(dataId);
    const made = make();
    this.#data.set(dataId, made);
    return made;
  }

  set(dataId: DataId, data: TensorData): void {
    this.#data.set(dataId, data);
  }

  has(dataId: DataId): boolean {
    return this.#data.has(dataId);
  }

  numDataIds(): number {
    return this.#data.size;
  }

  delete(dataId: DataId): boolean {
    return this.#data.delete(dataId);
  }
}
