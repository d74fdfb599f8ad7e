import { convolution, dense, norm, pytorchNaming } from '../naming.ts';

const block = 'resnet.encoder.stages.<0>.layers.<0>';

/** ResNetForImageClassification of Hugging Face's transformers (models/resnet/modeling_resnet.py). */
export const transformersResNet = pytorchNaming({
  title: "the names of Hugging Face's transformers",
  architecture: 'resnet',
  padding: 'symmetric',
  pairs: [
    ...convolution('stem/conv', 'resnet.embedder.embedder.convolution'),
    ...norm('stem/norm', 'resnet.embedder.embedder.normalization'),
    ...convolution('stage-<1>/block-<1>/conv-<1>', `${block}.layer.<0>.convolution`),
    ...norm('stage-<1>/block-<1>/norm-<1>', `${block}.layer.<0>.normalization`),
    ...convolution('stage-<1>/block-<1>/projection/conv', `${block}.shortcut.convolution`),
    ...norm('stage-<1>/block-<1>/projection/norm', `${block}.shortcut.normalization`),
    ...dense('logits', 'classifier.1'),
  ],
});
