import type { Batch } from '@llr/core';
import { openData } from '@llr/datasets';
import { dispose } from '@tensorflow/tfjs-core';
import type { Command } from 'commander';
import { jsonOption, wholeNumber, withExamples } from '../../options.ts';
import { output } from '../../output.ts';
import { startEngine } from '../../start-engine.ts';
import {
  type DecodingOptions,
  dataArgument,
  decodedAs,
  decodingOptions,
  splitOption,
} from './options.ts';

interface BenchOptions extends DecodingOptions {
  split: 'train' | 'test';
  batchSize: number;
  seconds: number;
  step: number;
  json?: boolean;
}

/** `llr data bench`: how fast batches come. */
export function dataBench(data: Command): void {
  const command = data
    .command('bench')
    .description(
      'measure how fast shuffled, augmented batches come, and how long training would wait',
    )
    .addArgument(dataArgument())
    .addOption(splitOption())
    .option('--batch-size <number>', 'images in a batch', wholeNumber, 128)
    .option('--seconds <number>', 'how long to measure, each way', wholeNumber, 10)
    .option('--step <ms>', 'a step of training for the second measurement', wholeNumber, 150)
    .addOption(jsonOption())
    .action(bench);
  for (const option of decodingOptions()) command.addOption(option);
  withExamples(command, [
    'llr data bench cifar10',
    'llr data bench imagenet:/data/ILSVRC2012 --batch-size 32 --step 400',
  ]);
}

async function bench(spec: string, options: BenchOptions): Promise<void> {
  const { split, batchSize, seconds, step, json = false } = options;
  const out = output(json);
  await startEngine({}, output(true));
  const source = await openData(spec, decodedAs(options)).open(split);
  out.say(`${source.name}, ${source.split}: ${source.size.toLocaleString('en')} images`);
  const batches = endless((epoch) =>
    source.batches({ batchSize, epoch, seed: 0, augment: split === 'train' }),
  );
  const pulled = await measure(batches, seconds, 0);
  const trained = await measure(batches, seconds, step);
  await batches.return(undefined);
  const result = {
    name: source.name,
    split: source.split,
    batchSize,
    imagesPerSecond: Math.round((pulled.batches * batchSize) / pulled.seconds),
    step,
    waitShare: trained.waiting / trained.seconds,
  };
  process.stdout.write(
    json
      ? `${JSON.stringify(result, null, 2)}\n`
      : `${result.imagesPerSecond.toLocaleString('en')} images/s in batches of ${batchSize}; a loop of ${step} ms steps waits ${(100 * result.waitShare).toFixed(1)} % of its time for data\n`,
  );
}

/** One epoch after the other. */
async function* endless<T>(epochOf: (epoch: number) => AsyncIterable<T>): AsyncGenerator<T, void> {
  for (let epoch = 0; ; epoch++) yield* epochOf(epoch);
}

/** Takes batches for some seconds, with a busy thread for `step` ms after each, as in training. */
async function measure(batches: AsyncGenerator<Batch, void>, seconds: number, step: number) {
  // The first fills the queue.
  release((await batches.next()).value!);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  let [count, waiting] = [0, 0];
  while (elapsed() < seconds) {
    const asked = elapsed();
    const { value } = await batches.next();
    waiting += elapsed() - asked;
    release(value!);
    count += 1;
    const ready = performance.now() + step;
    while (performance.now() < ready);
  }
  return { batches: count, seconds: elapsed(), waiting };
}

const release = ({ images, labels }: Batch) => dispose([images, labels]);
