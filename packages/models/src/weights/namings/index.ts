import type { Naming } from '../naming.ts';
import { cifarResNet } from './cifar-resnet.ts';
import { deepMindWideResNet } from './deepmind-wide-resnet.ts';
import { torchvisionResNet } from './torchvision-resnet.ts';
import { transformersResNet } from './transformers-resnet.ts';
import { pytorchWideResNet } from './wide-resnet.ts';

/** Everybody else's names: each is one file here. */
export const namings: readonly Naming[] = [
  torchvisionResNet,
  cifarResNet,
  transformersResNet,
  pytorchWideResNet,
  deepMindWideResNet,
];
