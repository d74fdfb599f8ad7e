// Our process: reads one task a line as JSON, answers with one line of JSON each.
//
//   node main.mjs FOLDER
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { evaluate } from '@llr/attacks';
import { crossEntropy, linfBall } from '@llr/core';
import { fashionMnist } from '@llr/datasets';
import { compile, inputGradient } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import { loadModel } from '@llr/models';
import { slice, tensor, tensor1d } from '@tensorflow/tfjs-core';
import { readArrays } from '../../safetensors.mjs';
import { attackOf } from './attacks.mjs';

const folder = process.argv[2];
const { name, version, backend } = await useEngine();
if (backend !== 'tensorflow') {
  throw new Error(
    `The fastest engine here is ${name}; the bench needs TensorFlow. See llr doctor for how to get it.`,
  );
}
const { networks } = JSON.parse(readFileSync(join(folder, 'networks.json'), 'utf8'));
const models = {};
for (const [network, at] of Object.entries(networks)) models[network] = await loadModel(at.folder);
const inputs = readArrays(join(folder, 'inputs.safetensors'));
const images = tensor(inputs.images.values, inputs.images.shape);
const labels = tensor1d(Int32Array.from(inputs.labels.values), 'int32');
const test = await fashionMnist({ split: 'test' });

async function timed(work) {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  return [result, { seconds, cpuSeconds: (user + system) / 1e6 }];
}

async function best(times, work) {
  const took = [];
  for (let i = 0; i < times; i++) took.push((await timed(work))[1]);
  return took.reduce((least, one) => (one.cpuSeconds < least.cpuSeconds ? one : least));
}

const tasks = {
  logits: ({ network }) => ({ logits: models[network].freeze('running')(images).arraySync() }),

  /** CPU and wall time of a gradient in the input and of a forward pass, the least of some. */
  async gradient({ network, batch, times }) {
    const logits = models[network].freeze('running');
    const [x, y] = [slice(images, 0, batch), slice(labels, 0, batch)];
    const gradient = compile(
      (at, of) => inputGradient((z) => ({ value: crossEntropy(logits(z), of) }), at).gradient,
    );
    const forward = compile((at) => logits(at));
    gradient(x, y).dispose();
    forward(x).dispose();
    const found = {
      gradient: await best(times, () => gradient(x, y).data()),
      forward: await best(times, () => forward(x).data()),
    };
    gradient.dispose();
    forward.dispose();
    return found;
  },

  async attack({ network, attacks, images: count, batch, epsilon, seed, activeSet, selfChecks }) {
    const [evaluation, took] = await timed(() =>
      evaluate({
        classifier: models[network],
        data: test.part(0, count),
        attacks: attacks.flatMap(attackOf),
        threat: linfBall(epsilon),
        seed,
        batchSize: batch,
        selfChecks,
        ...(activeSet && { activeSet }),
      }),
    );
    return {
      robust: evaluation.examples.map(({ brokenBy }) => brokenBy === null),
      parts: Object.fromEntries(evaluation.attacks.map((one) => [one.name, one])),
      warnings: evaluation.warnings ?? [],
      ...took,
    };
  },
};

const answer = (values) => process.stdout.write(`${JSON.stringify(values)}\n`);
answer({ ready: `${name} ${version}` });
for await (const line of createInterface({ input: process.stdin })) {
  const { do: task, ...options } = JSON.parse(line);
  answer(await tasks[task](options));
}
process.exit();
