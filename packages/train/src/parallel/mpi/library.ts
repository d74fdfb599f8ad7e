import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { LibraryHandle } from 'koffi';
import type { Launch } from '../launcher.ts';
import { type Handle, type Handles, mpichHandles, openMpiHandles } from './abi.ts';

/** The functions of MPI that are used, with plain numbers and typed arrays; an error code becomes an error. */
export interface Mpi {
  /** `Open MPI 4.1.4`. */
  readonly version: string;
  readonly handles: Handles;
  init(): void;
  finalize(): void;
  rank(communicator: Handle): number;
  size(communicator: Handle): number;
  duplicate(communicator: Handle): Handle;
  /** Starts sending bytes, which must stay as they are until `test` says true. */
  send(bytes: Uint8Array, to: number, tag: number, communicator: Handle): Request;
  receive(bytes: Uint8Array, from: number, tag: number, communicator: Handle): Request;
  /** How many bytes a message that has come has; nothing, where none has. */
  probe(from: number, tag: number, communicator: Handle): number | undefined;
  /** Starts summing up; both arrays must stay as they are until `test` says true. */
  sum(send: Float32Array, receive: Float32Array, communicator: Handle): Request;
  /** Whether what was started has ended; goes on with all that was. */
  test(request: Request): boolean;
  abort(code: number): void;
}

/** Something that was started: MPI's handle of it, and what it works on, which must live as long. */
export interface Request {
  readonly handle: BigUint64Array | Int32Array;
  readonly uses: readonly ArrayBufferView[];
}

const openMpi = ['libmpi.so.40'];
/** Debian calls it by the second name. */
const mpich = ['libmpi.so.12', 'libmpich.so.12'];
const funneled = 1;

/**
 * Loads koffi, and with it the MPI library of the mpirun that has started this process. `LLR_LIBMPI` names another one.
 *
 * @throws when koffi, an optional part, is not installed; when there is no MPI library
 */
export async function loadMpi(launch: Launch, environment = process.env): Promise<Mpi> {
  const koffi = await loadKoffi();
  const library = openLibrary(koffi, libraryFiles(launch, environment));
  return mpiOf(koffi, library);
}

type Koffi = typeof import('koffi');

async function loadKoffi(): Promise<Koffi> {
  try {
    const loaded = await import('koffi');
    return (loaded.default ?? loaded) as unknown as Koffi;
  } catch (error) {
    throw new Error(
      `This process was started by mpirun, and koffi, which calls MPI, can't be loaded: ${(error as Error).message.split('\n')[0]}. Install it: npm install koffi.`,
      { cause: error },
    );
  }
}

/** Where the library may be, the most likely place first: a file, or a name that the system's loader knows. */
function libraryFiles({ by }: Launch, environment: NodeJS.ProcessEnv): string[] {
  if (environment.LLR_LIBMPI) return [environment.LLR_LIBMPI];
  const names = by === 'openmpi' ? openMpi : [...mpich, ...openMpi];
  const beside = foldersOf(environment).flatMap((folder) =>
    names.map((name) => join(folder, name)),
  );
  return [...beside.filter((file) => existsSync(file)), ...names];
}

/** The lib folders of the installation that this process's mpirun is of, where it isn't the system's. */
function foldersOf({ OPAL_PREFIX, PATH = '' }: NodeJS.ProcessEnv): string[] {
  const prefixes = OPAL_PREFIX ? [OPAL_PREFIX] : [];
  const mpirun = PATH.split(delimiter)
    .map((folder) => join(folder, 'mpirun'))
    .find((file) => existsSync(file));
  if (mpirun) prefixes.push(dirname(dirname(mpirun)), dirname(dirname(realpathSync(mpirun))));
  return [...new Set(prefixes)]
    .filter((prefix) => prefix !== '/usr' && prefix !== '/')
    .flatMap((prefix) => [join(prefix, 'lib'), join(prefix, 'lib64')]);
}

function openLibrary(koffi: Koffi, files: readonly string[]): LibraryHandle {
  const failures: string[] = [];
  for (const file of files) {
    try {
      // Open MPI's plugins look for its symbols among those of the whole process.
      return koffi.load(file, { global: true });
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(
    `This process was started by mpirun, and the MPI library can't be loaded: ${failures.join('; ')}. Install Open MPI (Debian: openmpi-bin) or MPICH (mpich), or name the library by the environment variable LLR_LIBMPI.`,
  );
}

function mpiOf(koffi: Koffi, library: LibraryHandle): Mpi {
  const fullVersion = libraryVersion(library);
  const isOpenMpi = fullVersion.startsWith('Open MPI');
  const handles = isOpenMpi
    ? openMpiHandles((symbol) => koffi.address(library.symbol(symbol)))
    : mpichHandles;
  const h = handles.type;
  /** A function of MPI's; what it returns is its error code. */
  const call = (name: string, parameters: readonly string[]) => {
    const run = library.func(name, 'int', [...parameters]);
    return (...args: unknown[]) => {
      const code = run(...args) as number;
      if (code !== 0) throw new Error(`${name} failed: ${errorText(library, code)}`);
    };
  };
  const [buffer, int] = ['void *', 'int'];
  const init = call('MPI_Init_thread', [buffer, buffer, int, buffer]);
  const finalize = call('MPI_Finalize', []);
  const rank = call('MPI_Comm_rank', [h, buffer]);
  const size = call('MPI_Comm_size', [h, buffer]);
  const duplicate = call('MPI_Comm_dup', [h, buffer]);
  const onError = call('MPI_Comm_set_errhandler', [h, h]);
  const send = call('MPI_Isend', [buffer, int, h, int, int, h, buffer]);
  const receive = call('MPI_Irecv', [buffer, int, h, int, int, h, buffer]);
  const probe = call('MPI_Iprobe', [int, int, h, buffer, buffer]);
  const count = call('MPI_Get_count', [buffer, h, buffer]);
  const sum = call('MPI_Iallreduce', [buffer, buffer, int, h, h, h, buffer]);
  const test = call('MPI_Test', [buffer, buffer, buffer]);
  const abort = call('MPI_Abort', [h, int]);

  const { byte, float } = handles;
  const status = new Uint8Array(64);
  const flag = new Int32Array(1);
  const number = (ask: (result: Int32Array) => void) => {
    const result = new Int32Array(1);
    ask(result);
    return result[0]!;
  };
  const handleBuffer = () => (isOpenMpi ? new BigUint64Array(1) : new Int32Array(1));
  const started = (
    uses: readonly ArrayBufferView[],
    start: (handle: Request['handle']) => void,
  ) => {
    const handle = handleBuffer();
    start(handle);
    return { handle, uses };
  };
  return {
    version: shortVersion(fullVersion),
    handles,

    init: () => {
      init(null, null, funneled, flag);
      onError(handles.world, handles.errorsReturn);
    },
    finalize: () => finalize(),
    rank: (communicator) => number((result) => rank(communicator, result)),
    size: (communicator) => number((result) => size(communicator, result)),
    duplicate: (communicator) => {
      const made = handleBuffer();
      duplicate(communicator, made);
      onError(made[0]!, handles.errorsReturn);
      return made[0]!;
    },
    send: (bytes, to, tag, communicator) =>
      started([bytes], (handle) => send(bytes, bytes.length, byte, to, tag, communicator, handle)),
    receive: (bytes, from, tag, communicator) =>
      started([bytes], (handle) =>
        receive(bytes, bytes.length, byte, from, tag, communicator, handle),
      ),
    probe: (from, tag, communicator) => {
      probe(from, tag, communicator, flag, status);
      return flag[0] ? number((result) => count(status, byte, result)) : undefined;
    },
    sum: (from, to, communicator) =>
      started([from, to], (handle) =>
        sum(from, to, from.length, float, handles.sum, communicator, handle),
      ),
    test: ({ handle }) => {
      test(handle, flag, status);
      return flag[0] !== 0;
    },
    abort: (code) => abort(handles.world, code),
  };
}

/** May be asked before anything else. */
function libraryVersion(library: LibraryHandle): string {
  const text = Buffer.alloc(8192);
  const length = new Int32Array(1);
  library.func('MPI_Get_library_version', 'int', ['void *', 'void *'])(text, length);
  return textIn(text, length[0]!);
}

function errorText(library: LibraryHandle, code: number): string {
  const text = Buffer.alloc(8192);
  const length = new Int32Array(1);
  library.func('MPI_Error_string', 'int', ['int', 'void *', 'void *'])(code, text, length);
  return textIn(text, length[0]!);
}

const textIn = (bytes: Buffer, length: number) =>
  bytes.toString('utf8', 0, length).replaceAll('\0', '').trim();

/** `Open MPI 4.1.4` of `Open MPI v4.1.4, package: …`; `MPICH 4.0.2` of `MPICH Version: 4.0.2 …`. */
function shortVersion(text: string): string {
  const [, name, number] = /^(.*?)(?:\s+Version:?|\s+v)\s*(\d[\w.]*)/i.exec(text) ?? [];
  return name ? `${name} ${number}` : text.split('\n')[0]!;
}
