// Writes what all variants of a workload compute with into FOLDER: weights.safetensors and inputs.safetensors.
//
//   node prepare.mjs FOLDER      (FOLDER/workload.json is there)
import { join } from 'node:path';
import { linfBall, randomSource } from '@llr/core';
import { useEngine } from '@llr/engine/node';
import { saveWeights } from '@llr/models';
import { image, mul, reshape } from '@tensorflow/tfjs-core';
import { writeArrays } from '../safetensors.mjs';
import { arrayOf, classifierOf, cornerOf, readWorkload } from './problem.mjs';

const folder = process.argv[2];
await useEngine({ prefer: 'wasm' });
const workload = readWorkload(folder);
const { batch, epsilon } = workload;

const random = randomSource(1).fork('bench');
const examples = Array.from({ length: batch }, (_, i) => i);
// Smooth, as photographs are: of noise, gradients are differences of numbers much larger than themselves.
const coarse = random.fork('images').forExamples(examples).uniform([batch, 5, 5, 3]);
const images = image.resizeBilinear(coarse, [32, 32]);
const labels = random.fork('labels').forExamples(examples).integers([batch], 10);
const threat = linfBall(epsilon);
const start = threat.start(images, random.fork('start').forExamples(examples));
writeArrays(join(folder, 'inputs.safetensors'), {
  images: arrayOf(images),
  labels: { shape: [batch], values: Float32Array.from(labels) },
  start: arrayOf(start),
  corner: arrayOf(cornerOf(images, threat, epsilon)),
});

// Initial weights, but batch norm as after some training: its scales and offsets are not 1 and 0, behind which
// mistakes hide, and large enough that the next batch norm doesn't undo nearly all that a weight does, which would
// leave gradients that are mostly rounding.
const classifier = classifierOf(workload);
for (const { name, variable } of classifier.parameters) {
  const own = random.fork(name).forExamples([0]);
  const { shape } = variable;
  if (name.endsWith('/scale')) variable.assign(reshape(own.uniform([1, ...shape], 1, 4), shape));
  if (/norm.*\/offset$/.test(name)) {
    variable.assign(reshape(mul(own.normal([1, ...shape]), 0.5), shape));
  }
}
await saveWeights(classifier, join(folder, 'weights.safetensors'));
