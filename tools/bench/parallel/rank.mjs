// One rank of the bench of several processes: takes steps, and rank 0 prints what they took.
import { crossEntropy, llr, projectedAscent, randomSource, sign } from '@llr/core';
import { useEngine } from '@llr/engine/node';
import { wideResNet } from '@llr/models';
import { createStepper, joinWorld, sgd } from '@llr/train';
import { randomUniform, tensor1d } from '@tensorflow/tfjs-core';

const { depth, widthFactor, batch, searchSteps, steps, sizes } = JSON.parse(process.argv[2]);
const world = await joinWorld();
const { name, version } = await useEngine({ threads: 1 });

/** What a step spends in sums over all ranks, and how many bytes they have. */
const reduced = { seconds: 0, bytes: 0 };
const measured = {
  ...Object.fromEntries(
    ['gather', 'broadcast', 'barrier', 'abort', 'finalize'].map((call) => [
      call,
      (value) => world[call](value),
    ]),
  ),
  rank: world.rank,
  size: world.size,
  names: world.names,
  description: world.description,
  allReduceSum: async (values) => {
    const began = performance.now();
    await world.allReduceSum(values);
    reduced.seconds += (performance.now() - began) / 1000;
    reduced.bytes += values.byteLength;
  },
};

async function timed(work) {
  await world.barrier();
  Object.assign(reduced, { seconds: 0, bytes: 0 });
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  const { seconds: reduce, bytes } = reduced;
  return { seconds, cpu: (user + system) / 1e6, reduce, bytes };
}

const classifier = wideResNet({ depth, widthFactor, numClasses: 10, inputShape: [32, 32, 3] });
const maximizer = projectedAscent({ optimizer: sign(), stepSize: 0.01, steps: searchSteps });
const stepper = createStepper({
  classifier,
  regularizers: [llr({ lambda: 4, mu: 3, maximizer })],
  optimizer: sgd({ momentum: 0.9, weightDecay: 2e-4 })(classifier.parameters),
  loss: crossEntropy,
  random: randomSource(0),
  world: measured,
});
const images = randomUniform([batch, 32, 32, 3], 0, 1, 'float32', world.rank + 1);
const labels = tensor1d(
  Array.from({ length: batch }, (_, i) => i % 10),
  'int32',
);
const indices = Int32Array.from({ length: batch }, (_, i) => world.rank * batch + i);
const taken = [];
// The first is compiled, the second warms up.
for (let step = 0; step < steps + 2; step++) {
  const input = { batch: { images, labels, indices }, step, epoch: 0, epsilon: 0.03 };
  taken.push(await timed(() => stepper.stepAsync({ ...input, learningRate: 0.01 })));
}
const sums = [];
for (const floats of sizes) {
  const values = new Float32Array(floats).fill(1);
  for (let i = 0; i < 5; i++) {
    sums.push({ floats, ...(await timed(() => measured.allReduceSum(values))) });
  }
}
const all = await world.gather({ steps: taken.slice(2), sums });
if (all) {
  const parameters = classifier.parameters.reduce((sum, { variable }) => sum + variable.size, 0);
  const about = { world: world.description, engine: `${name} ${version}`, parameters };
  console.log(JSON.stringify({ ...about, ranks: all }));
}
await world.finalize();
