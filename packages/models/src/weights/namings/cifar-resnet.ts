import { pytorchNaming } from '../naming.ts';
import { resNetPairs } from './torchvision-resnet.ts';

/** The ResNets for CIFAR of kuangliu/pytorch-cifar, which RobustBench and MadryLab/robustness took over. */
export const cifarResNet = pytorchNaming({
  title: 'the names of pytorch-cifar and RobustBench',
  architecture: 'resnet',
  padding: 'symmetric',
  pairs: resNetPairs('shortcut', 'linear'),
});
