import { convolution, dense, norm, type Pair, pytorchNaming } from '../naming.ts';

/** ResNet's names where only the shortcut's and the last layer's differ. */
export const resNetPairs = (projection: string, logits: string): Pair[] => [
  ...convolution('stem/conv', 'conv1'),
  ...norm('stem/norm', 'bn1'),
  ...convolution('stage-<1>/block-<1>/conv-<1>', 'layer<1>.<0>.conv<1>'),
  ...norm('stage-<1>/block-<1>/norm-<1>', 'layer<1>.<0>.bn<1>'),
  ...convolution('stage-<1>/block-<1>/projection/conv', `layer<1>.<0>.${projection}.0`),
  ...norm('stage-<1>/block-<1>/projection/norm', `layer<1>.<0>.${projection}.1`),
  ...dense('logits', logits),
];

/** torchvision/models/resnet.py and timm/models/resnet.py, which took it over. */
export const torchvisionResNet = pytorchNaming({
  title: 'the names of torchvision and timm',
  architecture: 'resnet',
  padding: 'symmetric',
  pairs: resNetPairs('downsample', 'fc'),
});
