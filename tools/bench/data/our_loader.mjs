// What @llr/datasets offers, in a process of its own. A step is a pass over so many batches.
//
//   node our_loader.mjs FOLDER imagenet|cifar10|training BATCHES BATCH_SIZE WORKERS
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromArrays, imageFolder, padCropFlip, preprocessing } from '@llr/datasets';
import { useEngine } from '@llr/engine/node';
import { dispose } from '@tensorflow/tfjs-core';
import { rss, serve } from '../ours/protocol.mjs';

const [folder, data, ...numbers] = process.argv.slice(2);
const [batches, batchSize, workers] = numbers.map(Number);
const startRss = rss('VmRSS');
await useEngine({ prefer: 'wasm' });

function crops() {
  const images = readFileSync(join(folder, 'crops.bin'));
  const labels = new Uint8Array(images.length / 3072);
  const described = {
    name: 'crops',
    split: 'train',
    inputShape: [32, 32, 3],
    classNames: ['photo'],
  };
  return fromArrays({ ...described, images, labels, augment: padCropFlip() });
}

const source = data === 'cifar10' ? crops() : await imageFolder(join(folder, 'jpegs'), { workers });
const part = source.part(0, batches * batchSize);
let epoch = 0;

/** How long a training step takes, in ms, in which this thread does nothing else. */
const stepTime = 150;

function trainingStep() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stepTime);
}

/** One pass; gives the part of its time, after the first batch, that the loop waited for data. */
async function step() {
  let sum = 0;
  let began;
  let trained = 0;
  for await (const { images, labels } of part.batches({
    batchSize,
    epoch: epoch++,
    augment: true,
  })) {
    dispose([images, labels]);
    if (data !== 'training') {
      sum += 1;
      continue;
    }
    began ??= performance.now();
    const before = performance.now();
    trainingStep();
    trained += performance.now() - before;
  }
  return data === 'training' ? 1 - trained / (performance.now() - began) : sum;
}

const decoder =
  data === 'cifar10' ? 'typed arrays' : (await preprocessing({ name: 'torchvision' })).decoder;
await serve({ step }, `node ${process.version}, ${decoder}`, startRss);
process.exit();
