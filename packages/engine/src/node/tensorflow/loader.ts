import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/*
 * tfjs-node's JavaScript asks for the union package @tensorflow/tfjs, and would so bring a second tfjs-core into
 * the process. In a build, that name stands for the tfjs-core that is already there.
 */
const core = `module.exports = globalThis[Symbol.for('llr.tfjs-core')];\n`;

const load = `// Registers the backend 'tensorflow' with the tfjs-core given; returns tfjs-node's binding.
const util = require('node:util');
// tfjs-node 4 calls helpers that Node 23 removed.
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
module.exports = (core, name) => {
  globalThis[Symbol.for('llr.tfjs-core')] = core;
  // Methods that tfjs-node's kernels call, and that tfjs-core has only with the union package.
  const { add, sub, mul, cast } = core;
  const methods = { add, sub, mul, toInt: (x) => cast(x, 'int32'), toFloat: (x) => cast(x, 'float32') };
  for (const [name, method] of Object.entries(methods)) {
    core.Tensor.prototype[name] ??= function (...others) {
      return method(this, ...others);
    };
  }
  require('./preload.node');
  const binding = require('./tfjs_binding.node');
  require('./tfjs-node/register_all_kernels.js');
  const { NodeJSKernelBackend } = require('./tfjs-node/nodejs_kernel_backend.js');
  core.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, name), 3);
  return binding;
};
`;

/** The name under which tfjs-node's backend allows what only a GPU can. */
export const packageName = (kind: 'cpu' | 'gpu') =>
  kind === 'gpu' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';

/** Writes the JavaScript part of a build: tfjs-node's kernels and backend, and what loads them. */
export function writeLoader(folder: string, tfjsNode: string): void {
  const modules = ['register_all_kernels.js', 'nodejs_kernel_backend.js', 'int64_tensors.js'];
  for (const name of [...modules, 'kernels']) {
    cpSync(join(tfjsNode, 'dist', name), join(folder, 'tfjs-node', name), {
      recursive: true,
      filter: (path) => !/(\.d\.ts|_test\.js)$/.test(path),
    });
  }
  const files = {
    'load.cjs': load,
    'node_modules/@tensorflow/tfjs/index.js': core,
    'node_modules/@tensorflow/tfjs-core/index.js': core,
    // Protocol buffers, for the summaries of TensorBoard alone.
    'tfjs-node/proto/api_pb.js': 'module.exports = {};\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
