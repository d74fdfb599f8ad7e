import { fromArrays, padCropFlip } from '@llr/datasets';
import { useEngine } from '@llr/engine/node';
import { dispose } from '@tensorflow/tfjs-core';
import { epochOrder } from './src/epoch-order.ts';

for (let e = 0; e < 4; e++) {
  const t = process.cpuUsage().user;
  epochOrder(1281167, 1, e);
  console.log('order ms', (process.cpuUsage().user - t) / 1e3);
}
await useEngine({ prefer: 'wasm' });
const n = 50000;
const src = fromArrays({
  name: 'x',
  split: 'train',
  inputShape: [32, 32, 3],
  classNames: ['a'],
  images: new Uint8Array(n * 3072).fill(7),
  labels: new Int32Array(n),
  augment: padCropFlip(),
});
for (let e = 0; e < 4; e++)
  for (const augment of [false, true]) {
    const t = process.cpuUsage();
    const w = performance.now();
    let c = 0;
    for await (const b of src.batches({ batchSize: 128, epoch: e, augment })) {
      c += 128;
      dispose([b.images, b.labels]);
    }
    const d = process.cpuUsage(t);
    console.log(
      augment,
      'img/s wall',
      Math.round((c / (performance.now() - w)) * 1e3),
      'cpu',
      Math.round(c / ((d.user + d.system) / 1e6)),
    );
  }
