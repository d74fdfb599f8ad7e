// Writes what all variants of a workload compute with into FOLDER: weights.safetensors and inputs.safetensors.
//
//   node prepare.mjs FOLDER      (FOLDER/workload.json is there)
import { join } from 'node:path';
import { linfBall, randomSource } from '@llr/core';
import { useEngine } from '@llr/engine/node';
import { saveWeights } from '@llr/models';
import { div, image, mul, reshape, round } from '@tensorflow/tfjs-core';
import { writeArrays } from '../safetensors.mjs';
import { arrayOf, classifierOf, cornerOf, readWorkload } from './problem.mjs';

const folder = process.argv[2];
await useEngine({ prefer: 'wasm' });
const workload = readWorkload(folder);
const { batch, classes, epsilon, size } = workload;

const random = randomSource(1).fork('bench');
const examples = Array.from({ length: batch }, (_, i) => i);
// Smooth, as photographs are: of noise, gradients are differences of numbers much larger than themselves.
const coarse = random.fork('images').forExamples(examples).uniform([batch, 5, 5, 3]);
// In steps that float32 keeps when a perturbation in such steps is added: where windows of a max pool nearly tie,
// rounding x + δ would choose another maximum than float64 does.
const steps = 256;
const images = div(round(mul(image.resizeBilinear(coarse, [size, size]), steps)), steps);
const labels = random.fork('labels').forExamples(examples).integers([batch], classes);
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
// leave gradients that are mostly rounding. Where the sum with a shortcut comes after a batch norm, as in a ResNet,
// that one's scale is small instead, or the blocks would blow up one another.
const beforeSum = /\/norm-3\/scale$/;
const classifier = classifierOf(workload);
for (const { name, variable } of classifier.parameters) {
  const own = random.fork(name).forExamples([0]);
  const { shape } = variable;
  if (name.endsWith('/scale')) {
    const [least, most] = beforeSum.test(name) ? [0.2, 0.5] : [1, 4];
    variable.assign(reshape(own.uniform([1, ...shape], least, most), shape));
  }
  if (/norm.*\/offset$/.test(name)) {
    variable.assign(reshape(mul(own.normal([1, ...shape]), 0.5), shape));
  }
}
await saveWeights(classifier, join(folder, 'weights.safetensors'));
