// Trains the networks into CACHE/NAME, those that aren't there, and writes what both sides compute with into FOLDER.
//
//   node prepare.mjs CACHE FOLDER IMAGES
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fashionMnist } from '@llr/datasets';
import { useEngine } from '@llr/engine/node';
import { saveWeights } from '@llr/models';
import { train } from '@llr/train';
import { writeArrays } from '../../safetensors.mjs';
import { architecture, experiment } from './experiment.mjs';

const [cache, folder, images] = process.argv.slice(2);
const say = (line) => process.stderr.write(`${line}\n`);
const { name: engine, backend } = await useEngine();

async function trained(variant) {
  const directory = join(cache, variant);
  // Written last, so that it tells a network that is complete.
  const file = join(directory, 'pytorch.safetensors');
  if (existsSync(file)) return { file, folder: join(directory, 'model') };
  if (backend !== 'tensorflow') {
    throw new Error(`The networks are trained with TensorFlow, and the engine here is ${engine}.`);
  }
  say(`Training the network "${variant}", once: minutes`);
  let done = -1;
  const onStep = ({ epoch }) => {
    if (Math.floor(epoch) === done) return;
    done = Math.floor(epoch);
    say(`  ${done} of ${experiment.train.epochs} epochs`);
  };
  const { model } = await train(experiment, variant, { directory, engine, onStep });
  await saveWeights(model, file, { naming: 'pytorch' });
  return { file, folder: join(directory, 'model') };
}

const networks = {};
for (const variant of Object.keys(experiment.variants)) networks[variant] = await trained(variant);
const { depth, widthFactor } = architecture;
writeFileSync(
  join(folder, 'networks.json'),
  JSON.stringify({
    architecture: { depth, width_factor: widthFactor, classes: 10, channels: 1 },
    networks,
  }),
);

const test = await fashionMnist({ split: 'test' });
for await (const batch of test.part(0, Number(images)).batches({ batchSize: Number(images) })) {
  writeArrays(join(folder, 'inputs.safetensors'), {
    images: { shape: batch.images.shape, values: batch.images.dataSync() },
    labels: { shape: batch.labels.shape, values: Float32Array.from(batch.labels.dataSync()) },
  });
}
process.exit();
