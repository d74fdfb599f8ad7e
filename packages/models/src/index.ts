export type { ConfiguredClassifier, ModelConfig, NamedVariable } from './configured-classifier.ts';
export { createModel } from './create-model.ts';
export type { ForeignModelOptions } from './foreign/foreign-classifier.ts';
export {
  fromGraphModel,
  type GraphModelLike,
  type GraphModelOptions,
} from './foreign/from-graph-model.ts';
export { fromLayersModel, type LayersModelLike } from './foreign/from-layers-model.ts';
export type { Activation } from './layers/activation.ts';
export type { Padding } from './layers/padding.ts';
export type { PixelStatistics } from './layers/pixel-normalization.ts';
export { normalization } from './layers/pixel-normalization.ts';
export type { InputShape } from './options.ts';
export { type ResNetConfig, type ResNetDepth, type ResNetOptions, resNet } from './resnet.ts';
export {
  type SmallConvNetConfig,
  type SmallConvNetOptions,
  smallConvNet,
} from './small-conv-net.ts';
export type { LayerSummary, ModelSummary } from './summary.ts';
export { loadWeights } from './weights/load-weights.ts';
export { encodeSafetensors, type NamedArray } from './weights/safetensors.ts';
export { type SaveOptions, saveWeights } from './weights/save-weights.ts';
export { loadModel, saveModel } from './weights/saved-model.ts';
export type { WeightsOwner } from './weights/weights-owner.ts';
export { writeWhole } from './weights/write-whole.ts';
export { type WideResNetConfig, type WideResNetOptions, wideResNet } from './wide-resnet.ts';
