import { join } from 'node:path';
import { locate } from '../installed-packages.ts';
import { packageName } from './loader.ts';
import type { Kind } from './recipe.ts';
import { ProgramFailed, run } from './run.ts';

/** A product of matrices, and a convolution: of a 3 × 3 image of ones with a 2 × 2 filter, 'same', by hand. */
const program = `
const [folder, name, corePath] = process.argv.slice(1);
const core = require(corePath);
const binding = require(folder + '/load.cjs')(core, name);
core.setBackend('tensorflow');
core.ready().then(() => {
  const product = core.matMul(core.tensor2d([[1, 2], [3, 4]]), core.tensor2d([[5, 6], [7, 8]]));
  const filter = core.tensor4d([1, 2, 3, 4], [2, 2, 1, 1]);
  const convolution = core.conv2d(core.ones([1, 3, 3, 1]), filter, 1, 'same');
  console.log(JSON.stringify({
    version: String(binding.TF_Version),
    gpu: core.backend().isUsingGpuDevice === true,
    product: Array.from(product.dataSync()),
    convolution: Array.from(convolution.dataSync()),
  }));
});
`;

export interface Proof {
  /** TensorFlow's version, as its library says. */
  version: string;
  /** Whether it computed on a GPU. */
  gpu: boolean;
}

/**
 * Loads a build in a process of its own and has it compute what is known.
 *
 * @throws where it does not load or computes something else
 */
export async function prove(folder: string, kind: Kind): Promise<Proof> {
  const core = locate('@tensorflow/tfjs-core');
  let answer: Proof & { product: number[]; convolution: number[] };
  try {
    const printed = await run(process.execPath, ['-e', program, folder, packageName(kind), core], {
      cwd: join(folder, '..'),
      env: {
        ...process.env,
        TF_CPP_MIN_LOG_LEVEL: '2',
        TF_FORCE_GPU_ALLOW_GROWTH: 'true',
      },
    });
    answer = JSON.parse(printed.trim().split('\n').at(-1)!);
  } catch (error) {
    const why = error instanceof ProgramFailed ? error.output : String(error);
    throw new Error(
      `TensorFlow was built, but does not load:\n  ${why.trim().split('\n').slice(0, 12).join('\n  ')}`,
    );
  }
  const { version, gpu, product, convolution } = answer;
  const found = JSON.stringify({ product, convolution });
  if (found !== expected) {
    throw new Error(`TensorFlow was built, but computes ${found} where ${expected} is right.`);
  }
  return { version, gpu };
}

const expected = JSON.stringify({
  product: [19, 22, 43, 50],
  convolution: [10, 10, 4, 10, 10, 4, 3, 3, 1],
});
