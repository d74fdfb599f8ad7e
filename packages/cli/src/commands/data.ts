import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { dataGet } from './data/get.ts';

/** `llr data`: what has to do with images before anything is trained on them. */
export function data(program: Command): void {
  const command = program.command('data').description('download data sets');
  for (const add of [dataGet]) add(command);
  withExamples(command, ['llr data get cifar10']);
}
