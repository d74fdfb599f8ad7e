import { readFileSync } from 'node:fs';
import { adam, crossEntropy, llr, projectedAscent, randomSource } from '@llr/core';
import { compile, inputGradient } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import { createModel } from '@llr/models';
import { createStepper, sgd } from '@llr/train';
import { memory, randomUniform, tensor1d } from '@tensorflow/tfjs-core';

const [what, batch, size, steps, arch = 'resnet-152'] = process.argv.slice(2);
const mb = (f) =>
  Math.round(
    Number(new RegExp(`${f}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024,
  );
const e = await useEngine();
const r0 = mb('VmRSS');
const s = +size,
  b = +batch;
const t = performance.now();
const classifier = createModel({ architecture: arch, numClasses: 1000, inputShape: [s, s, 3] });
console.log(
  what,
  b,
  s,
  e.name,
  'start',
  r0,
  'built',
  ((performance.now() - t) / 1e3).toFixed(1),
  's rss',
  mb('VmRSS'),
);
const images = randomUniform([b, s, s, 3], 0, 1, 'float32', 1);
const labels = tensor1d(
  Int32Array.from({ length: b }, (_, i) => i * 7),
  'int32',
);
const time = (name, f) => {
  for (let i = 0; i < 1; i++) {
    const t = performance.now();
    f();
    console.log(
      name,
      i,
      ((performance.now() - t) / 1e3).toFixed(2),
      's  peak',
      mb('VmHWM'),
      'rss',
      mb('VmRSS'),
      'tensors',
      memory().numTensors,
      Math.round(memory().numBytes / 1e6),
    );
  }
};
if (what === 'forward') {
  const f = compile(function fwd(x) {
    return classifier.freeze('running')(x);
  });
  time('forward', () => {
    const y = f(images);
    y.dataSync();
    y.dispose();
  });
}
if (what === 'gradient') {
  const f = compile(function g(x, y) {
    return inputGradient((at) => ({ value: crossEntropy(classifier.freeze('running')(at), y) }), x)
      .gradient;
  });
  time('gradient', () => {
    const y = f(images, labels);
    y.dataSync();
    y.dispose();
  });
}
if (what === 'llr') {
  const regularizer = llr({
    lambda: 3,
    mu: 6,
    nominalWeight: 3,
    maximizer: projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: +steps }),
  });
  const stepper = createStepper(
    {
      classifier,
      regularizers: [regularizer],
      optimizer: sgd({ momentum: 0.9, weightDecay: 1e-4 })(classifier.parameters),
      loss: crossEntropy,
      random: randomSource(0),
    },
    {
      onEager: (r) => {
        throw r;
      },
    },
  );
  let n = 0;
  const indices = Int32Array.from({ length: b }, (_, i) => i);
  time('llr', () =>
    stepper.step({
      batch: { images, labels, indices },
      step: n++,
      epoch: 0,
      epsilon: 4 / 255,
      learningRate: 1e-4,
    }),
  );
}
process.exit();
