import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { create } from 'tar';
import { build } from 'tsup';
import { recipe } from '../src/node/tensorflow/recipe.ts';

const require = createRequire(import.meta.url);

/*
 * Stand-ins for all that an install takes from outside: pip, npm and a compiler are scripts on a PATH of their own, each
 * of which notes that it ran; the wheel and the tarballs hold a few bytes; the addon is JavaScript, which a
 * hook of Node's loader accepts under its name; and tfjs's cpu backend computes in the place of TensorFlow.
 */
export interface Fakes {
  folder: string;
  /** The environment of an install on this machine. */
  env: NodeJS.ProcessEnv;
  cache: string;
  wheels: string;
  /** The names of the scripts that ran since the last call. */
  ran(): string[];
  /** Puts a script in a program's place, or takes the program away. */
  program(name: string, script: string | undefined): void;
  remove(): void;
}

const scripts = {
  pip: `if [ "$1" = --version ]; then exit 0; fi
echo pip >> "$FAKES/ran"
[ -z "$SLOW_PIP" ] || sleep 60
for argument; do case $argument in --dest=*) into=\${argument#--dest=} ;; esac; done
case $argument in tensorflow-cpu==*) file=tensorflow_cpu ;; tensorflow==*) file=tensorflow ;; nvidia-cudnn-cu12*) file=nvidia_cudnn_cu12 ;; esac
cp "$FAKES/wheels/$file"-*.whl "$into"`,
  npm: `echo npm >> "$FAKES/ran"
case $2 in @*) file=tensorflow-tfjs-node ;; *) file=node-api-headers ;; esac
cp "$FAKES/wheels/$file"-*.tgz "$4"`,
  'c++': `for argument; do [ "$argument" = -fsyntax-only ] && exit 0; done
echo c++ >> "$FAKES/ran"
[ -z "$SLOW_COMPILER" ] || sleep 60
while [ "$1" != -o ]; do shift; done
cat "$FAKES/addon.cjs" > "$2"`,
};

/** A machine of stand-ins; `remove` it afterwards. */
export function makeFakes(): Fakes {
  const folder = mkdtempSync(join(tmpdir(), 'llr-install-'));
  const at = (path: string) => join(folder, path);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  const program = (name: string, script: string | undefined) => {
    rmSync(at(`bin/${name}`), { force: true });
    if (script === undefined) return;
    write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
    chmodSync(at(`bin/${name}`), 0o755);
  };
  for (const [name, script] of Object.entries(scripts)) program(name, script);
  for (const tool of ['sh', 'sleep', 'cp', 'cat']) program(tool, `exec /bin/${tool} "$@"`);
  write('addon.cjs', `module.exports = { TF_Version: '${recipe.tensorflow}' };`);
  write('wheels/none', '');
  for (const kind of ['tensorflow_cpu', 'tensorflow'])
    writeFileSync(at(`wheels/${kind}-${recipe.tensorflow}-cp312-cp312-any.whl`), wheel(kind));
  writeFileSync(at('wheels/nvidia_cudnn_cu12-9.3.0-py3-none-any.whl'), wheel('nvidia_cudnn_cu12'));
  write('tfjs-node/package/binding/tfjs_binding.cc', '');
  write('tfjs-node/package/dist/int64_tensors.js', '');
  write('tfjs-node/package/dist/kernels/Add.js', '');
  write('tfjs-node/package/dist/kernels/Add_test.js', 'throw new Error("a test was loaded");');
  write('tfjs-node/package/dist/register_all_kernels.js', registerKernels);
  write('tfjs-node/package/dist/nodejs_kernel_backend.js', backend);
  write('headers/package/include/node_api.h', '');
  pack('tfjs-node', `tensorflow-tfjs-node-${recipe.tfjsNode}`);
  pack('headers', `node-api-headers-${recipe.nodeApiHeaders}`);
  write('hook.cjs', `require('node:module')._extensions['.node'] = require.extensions['.js'];`);
  return {
    folder,
    cache: at('cache'),
    wheels: at('wheels'),
    env: {
      ...process.env,
      PATH: at('bin'),
      FAKES: folder,
      LLR_CACHE: at('cache'),
      LLR_ENGINE: '',
      CXX: '',
      NODE_OPTIONS: `--require ${at('hook.cjs')}`,
    },
    ran: () => {
      try {
        const names = readFileSync(at('ran'), 'utf8').trim().split('\n');
        rmSync(at('ran'));
        return names;
      } catch {
        return [];
      }
    },
    program,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };

  function pack(from: string, name: string) {
    create({ file: at(`wheels/${name}.tgz`), cwd: at(from), gzip: true, sync: true }, ['package']);
  }
}

const cpuBackend = JSON.stringify(require.resolve('@tensorflow/tfjs-backend-cpu'));
const registerKernels = `
const core = require('@tensorflow/tfjs');
require(${cpuBackend});
for (const kernel of core.getKernelsForBackend('cpu'))
  core.registerKernel({ ...kernel, backendName: 'tensorflow' });
`;
const backend = `
const { MathBackendCPU } = require(${cpuBackend});
exports.NodeJSKernelBackend = class extends MathBackendCPU {};
`;

const metadata = `Metadata-Version: 2.1
Requires-Dist: numpy>=1.26.0
Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"
`;

function wheel(kind: string): Buffer {
  const files: Record<string, string> = kind.startsWith('nvidia')
    ? { 'nvidia/cudnn/lib/libcudnn.so.9': 'cuDNN', 'nvidia/cudnn/include/cudnn.h': 'left out' }
    : {
        'tensorflow/libtensorflow_cc.so.2': 'a library',
        'tensorflow/libtensorflow_framework.so.2': 'another',
        'tensorflow/include/tensorflow/c/c_api.h': '// C',
        'tensorflow/python/left_out.py': 'pass',
      };
  const record = Object.entries(files).map(([path, text]) => {
    const hash = createHash('sha256').update(text).digest('base64url');
    return `${path},sha256=${hash},${text.length}\r\n`;
  });
  const info = `${kind}.dist-info`;
  return zip({ ...files, [`${info}/METADATA`]: metadata, [`${info}/RECORD`]: record.join('') });
}

/** A zip file, its files stored as they are. */
export function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const name = Buffer.from(path);
    const data = Buffer.from(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from('PK\x03\x04'), common, name, data);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, rest, name);
    offset += 30 + name.length + data.length;
  }
  const end = Buffer.alloc(18);
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}

function crc32(data: Buffer): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
let built = '';

/** Builds `@llr/engine/node`, so that each process starts quickly. Call it once, before all tests. */
export async function buildEngine(): Promise<() => void> {
  // Inside node_modules, so that the built files find tfjs.
  built = mkdtempSync(join(packageFolder, '../../node_modules/.engine-install-'));
  await build({
    config: false,
    entry: { node: join(packageFolder, 'src/node.ts') },
    format: ['esm'],
    outDir: built,
    external: [/^@tensorflow\//, 'tar', 'yauzl'],
    silent: true,
  });
  return () => rmSync(built, { recursive: true });
}

const nodeArguments = (program: string) => [
  '--input-type=module',
  '-e',
  program.replace("'@llr/engine/node'", JSON.stringify(pathToFileURL(join(built, 'node.js')))),
];

/** Runs a program in a process of its own; returns what it prints. */
export const runIn = (fakes: Fakes, program: string, env: NodeJS.ProcessEnv = {}): string =>
  execFileSync(process.execPath, nodeArguments(program), {
    cwd: packageFolder,
    encoding: 'utf8',
    env: { ...fakes.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });

/** Starts a program in a process group of its own. */
export const startIn = (fakes: Fakes, program: string, env: NodeJS.ProcessEnv = {}) =>
  spawn(process.execPath, nodeArguments(program), {
    cwd: packageFolder,
    detached: true,
    env: { ...fakes.env, ...env },
    stdio: 'ignore',
  });
