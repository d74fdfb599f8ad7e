import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { dataBench } from './data/bench.ts';
import { dataCheck } from './data/check.ts';
import { dataGet } from './data/get.ts';

/** `llr data`: what has to do with images before anything is trained on them. */
export function data(program: Command): void {
  const command = program
    .command('data')
    .description('download data sets, look into them, and measure how fast they come');
  for (const add of [dataGet, dataCheck, dataBench]) add(command);
  withExamples(command, [
    'llr data get cifar10',
    'llr data check cifar10 --sheet cifar10.png',
    'llr data bench imagenet:/data/ILSVRC2012',
  ]);
}
