import { convolution, dense, norm, pytorchNaming } from '../naming.ts';

/**
 * DeepMind's WideResNet in PyTorch (deepmind-research/adversarial_robustness/pytorch/model_zoo.py; in
 * RobustBench architectures/dm_wide_resnet.py). Its strided convolutions pad by 0 before and 1 after.
 */
export const deepMindWideResNet = pytorchNaming({
  title: "the names of DeepMind's WideResNet in PyTorch",
  architecture: 'wide-resnet',
  padding: 'same',
  pairs: [
    ...convolution('stem', 'init_conv'),
    ...norm('group-<1>/block-<1>/norm-<1>', 'layer.<0>.block.<0>.batchnorm_<0>'),
    ...convolution('group-<1>/block-<1>/conv-<1>', 'layer.<0>.block.<0>.conv_<0>'),
    ...convolution('group-<1>/block-<1>/projection', 'layer.<0>.block.<0>.shortcut'),
    ...norm('norm', 'batchnorm'),
    ...dense('logits', 'logits'),
  ],
});
