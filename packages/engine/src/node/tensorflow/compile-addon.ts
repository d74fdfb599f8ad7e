import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownOpsSource } from './own-ops-source.ts';
import type { Kind } from './recipe.ts';
import { ProgramFailed, run } from './run.ts';

/*
 * TensorFlow greets on stderr while it is loaded, before it reads TF_CPP_MIN_LOG_LEVEL. This addon loads it with
 * stderr closed off, unless that variable asks for such messages (0 or 1).
 */
const preload = `#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <string>
#include <unistd.h>

NAPI_MODULE_INIT() {
  Dl_info here;
  dladdr(reinterpret_cast<void*>(&napi_register_module_v1), &here);
  const std::string path(here.dli_fname);
  const std::string library =
      path.substr(0, path.rfind('/')) + "/tensorflow/libtensorflow_cc.so.2";
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  const int kept = level && std::atoi(level) < 2 ? -1 : dup(2);
  const int nothing = open("/dev/null", O_WRONLY);
  if (kept >= 0) dup2(nothing, 2);
  dlopen(library.c_str(), RTLD_LAZY);
  if (kept >= 0) {
    dup2(kept, 2);
    close(kept);
  }
  close(nothing);
  return exports;
}
`;

/**
 * What our own ops need: to be vectorised (with -O2 softplus takes longer than TensorFlow's), and TensorFlow's own
 * choices where classes of its C++ interface have a different layout without.
 */
const forOwnOps = [
  '-O3',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-w',
  '-DNDEBUG',
  '-DEIGEN_MAX_ALIGN_BYTES=64',
  '-D_GLIBCXX_USE_CXX11_ABI=1',
];

/**
 * Compiles a build's two addons: tfjs-node's, with our own ops in that for the processor, and one that loads
 * TensorFlow quietly.
 */
export async function compileAddons(paths: {
  kind: Kind;
  compiler: string;
  /** The unpacked npm packages. */
  tfjsNode: string;
  nodeApiHeaders: string;
  /** The folder of the wheel's headers. */
  headers: string;
  /** The build: its libraries are there. */
  build: string;
  /** A folder to write to. */
  staging: string;
}): Promise<void> {
  const { kind, compiler, tfjsNode, nodeApiHeaders, headers, build, staging } = paths;
  const addon = [
    '-O2',
    '-std=c++17',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    `-I${join(nodeApiHeaders, 'include')}`,
  ];
  const preloadSource = join(staging, 'preload.cc');
  writeFileSync(preloadSource, preload);
  const binding = join(tfjsNode, 'binding');
  const sources = readdirSync(binding).filter((file) => file.endsWith('.cc'));
  const ownOps = kind === 'cpu' ? [...forOwnOps, ownOpsSource] : [];
  try {
    await run(compiler, [...addon, preloadSource, '-ldl', '-o', join(build, 'preload.node')]);
    await run(compiler, [
      ...addon,
      `-I${join(headers, 'tensorflow/include')}`,
      `-I${tfjsNode}`,
      ...sources.map((file) => join(binding, file)),
      ...ownOps,
      join(build, 'tensorflow/libtensorflow_cc.so.2'),
      join(build, 'tensorflow/libtensorflow_framework.so.2'),
      // The addon finds TensorFlow in the folder beside it, wherever the two are moved.
      '-Wl,-rpath,$ORIGIN/tensorflow',
      '-o',
      join(build, 'tfjs_binding.node'),
    ]);
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw new Error(`${compiler} could not compile the addon. Its last words:${error.lastWords()}`);
  }
}
