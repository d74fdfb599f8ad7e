// One of our variants of the bench.
//
//   node main.mjs FOLDER [float32 | bfloat16]
import { useEngine } from '@llr/engine/node';
import { llrStep } from './llr-step.mjs';
import { pgdStep } from './pgd-step.mjs';
import { problemIn } from './problem.mjs';
import { rss, serve } from './protocol.mjs';

const [folder, precision = 'float32'] = process.argv.slice(2);
const { name, version, backend } = await useEngine();
if (backend === 'cpu' || (backend === 'wasm' && process.env.LLR_ENGINE !== 'wasm')) {
  throw new Error(
    `The fastest engine here is ${name}; the bench needs TensorFlow. See llr doctor for how to get it.`,
  );
}
const startRss = rss('VmRSS');
const problem = await problemIn(folder);
const make = problem.workload.kind === 'pgd' ? pgdStep : llrStep;
await serve(make(problem, precision), `${name} ${version}`, startRss);
process.exit();
