import { convolution, dense, norm, pytorchNaming } from '../naming.ts';

/** xternalz/WideResNet-pytorch, which TRADES and RobustBench (architectures/wide_resnet.py) took over. */
export const pytorchWideResNet = pytorchNaming({
  title: 'the names of WideResNet-pytorch, TRADES and RobustBench',
  architecture: 'wide-resnet',
  padding: 'symmetric',
  pairs: [
    ...convolution('stem', 'conv1'),
    ...norm('group-<1>/block-<1>/norm-<1>', 'block<1>.layer.<0>.bn<1>'),
    ...convolution('group-<1>/block-<1>/conv-<1>', 'block<1>.layer.<0>.conv<1>'),
    ...convolution('group-<1>/block-<1>/projection', 'block<1>.layer.<0>.convShortcut'),
    ...norm('norm', 'bn1'),
    ...dense('logits', 'fc'),
  ],
  // A group of blocks that TRADES' constructor makes and its forward pass never calls.
  unused: (name) => name.startsWith('sub_block1.'),
});
