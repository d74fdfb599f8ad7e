// How much of g a search with convolutions in bfloat16 finds, beside one in float32. g is evaluated in float32.
//
//   node tools/bench/precision/precision.mjs [--steps 200] [--batches 2]      (training steps; batches of 32 test images)
import { parseArgs } from 'node:util';
import {
  adam,
  crossEntropy,
  linearityError,
  linearize,
  linfBall,
  llr,
  localLinearityObjective,
  projectedAscent,
  randomSource,
  sign,
} from '@llr/core';
import { fashionMnist } from '@llr/datasets';
import { compile } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import { wideResNet } from '@llr/models';
import { createStepper, sgd } from '@llr/train';
import { add, dispose, tidy } from '@tensorflow/tfjs-core';

const epsilon = 0.1;
const batchSize = 32;
const searches = [
  { name: 'Adam, 0.1', optimizer: adam, stepSize: 0.1 },
  { name: 'sign, ε / 4', optimizer: sign, stepSize: epsilon / 4 },
];
const lengths = [10, 50];

/** g at the δ that a search finds for a batch, per example: both precisions start at the same δ. */
function searchOf(classifier, { optimizer, stepSize }, steps, precision) {
  const maximizer = projectedAscent({ optimizer: optimizer(), stepSize, steps, precision });
  return compile(function errorFound(images, labels, start) {
    const { recorded } = classifier.forward(images, 'batch');
    const logits = classifier.freeze(recorded);
    const around = linearize(logits, images, labels);
    const { perturbation } = maximizer.maximize(
      {
        images,
        labels,
        start,
        logits,
        indices: Int32Array.from({ length: batchSize }, (_, i) => i),
        threat: linfBall(epsilon),
        random: randomSource(0),
      },
      localLinearityObjective({ around }),
    );
    const perturbed = crossEntropy(logits(add(images, perturbation)), labels);
    return linearityError(around, perturbed, perturbation).error;
  });
}

/** g per example over some test batches, for every search, length and precision. */
async function measure(classifier, test, batches) {
  const rows = [];
  for (const search of searches) {
    for (const steps of lengths) {
      const found = {};
      for (const precision of ['float32', 'bfloat16']) {
        const run = searchOf(classifier, search, steps, precision);
        const errors = [];
        let taken = 0;
        for await (const { images, labels, indices } of test.batches({ batchSize })) {
          if (taken++ === batches) break;
          const start = tidy(() =>
            linfBall(epsilon).start(images, randomSource(0).forExamples(indices)),
          );
          const error = run(images, labels, start);
          errors.push(...error.dataSync());
          dispose([images, labels, start, error]);
        }
        run.dispose();
        found[precision] = errors;
      }
      rows.push({ search: search.name, steps, ...found });
    }
  }
  return rows;
}

/** Trains with LLR, 3 steps of search. */
async function train(classifier, source, steps) {
  const maximizer = projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 3 });
  const stepper = createStepper({
    classifier,
    regularizers: [llr({ lambda: 4, mu: 3, maximizer })],
    optimizer: sgd({ momentum: 0.9, weightDecay: 2e-4 })(classifier.parameters),
    loss: crossEntropy,
    random: randomSource(0).fork('train'),
  });
  let step = 0;
  for await (const batch of source.batches({ batchSize, epoch: 0 })) {
    if (step === steps) break;
    // ε and the learning rate grow over the first quarter.
    const ramp = Math.min(1, (4 * (step + 1)) / steps);
    const metrics = stepper.step({
      batch,
      step: step++,
      epoch: 0,
      epsilon: ramp * epsilon,
      learningRate: 0.01 * ramp,
    });
    dispose([batch.images, batch.labels]);
    if (step % 20 === 0) {
      process.stderr.write(`step ${step}: accuracy ${metrics.accuracy.toFixed(2)}\n`);
    }
  }
  stepper.dispose();
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function print(title, rows) {
  console.log(`\n${title}\n`);
  console.log('| search | steps | g, float32 | g, bfloat16 | change | examples with a larger g |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const { search, steps, float32, bfloat16 } of rows) {
    const change = mean(bfloat16) / mean(float32) - 1;
    const larger = mean(bfloat16.map((value, i) => (value > float32[i] ? 1 : 0)));
    const cells = [
      search,
      steps,
      mean(float32).toPrecision(4),
      mean(bfloat16).toPrecision(4),
      `${(100 * change).toFixed(1)} %`,
      `${(100 * larger).toFixed(0)} %`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

const { values } = parseArgs({
  options: { steps: { type: 'string', default: '200' }, batches: { type: 'string', default: '2' } },
});
// Imitated where the processor has no instructions for it: slower, with the same rounding.
process.env.LLR_BFLOAT16 ??= '1';
const { backend, name } = await useEngine();
if (backend !== 'tensorflow') {
  throw new Error(`Only TensorFlow's graphs compute in bfloat16, and the engine here is ${name}.`);
}
const classifier = wideResNet({
  depth: 16,
  widthFactor: 4,
  numClasses: 10,
  inputShape: [28, 28, 1],
});
const [training, test] = await Promise.all([
  fashionMnist({ split: 'train' }),
  fashionMnist({ split: 'test' }),
]);
const batches = Number(values.batches);
print(
  'WRN-16-4 on Fashion-MNIST, ε = 0.1: initial weights',
  await measure(classifier, test, batches),
);
await train(classifier, training, Number(values.steps));
print(`after ${values.steps} steps with LLR`, await measure(classifier, test, batches));
