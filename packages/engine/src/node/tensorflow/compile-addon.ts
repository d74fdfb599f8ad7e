import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Compiles a build's two addons: tfjs-node's against TensorFlow's C interface, and one that loads TensorFlow quietly. */
export async function compileAddons(paths: {
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
  const { compiler, tfjsNode, nodeApiHeaders, headers, build, staging } = paths;
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
  try {
    await run(compiler, [...addon, preloadSource, '-ldl', '-o', join(build, 'preload.node')]);
    await run(compiler, [
      ...addon,
      `-I${join(headers, 'tensorflow/include')}`,
      `-I${tfjsNode}`,
      ...sources.map((file) => join(binding, file)),
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
