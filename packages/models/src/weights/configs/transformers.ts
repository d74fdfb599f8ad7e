import { type ForeignConfig, object, refuse } from './foreign-config.ts';

const depths: { readonly [layers: string]: number } = {
  'basic 2,2,2,2': 18,
  'basic 3,4,6,3': 34,
  'bottleneck 3,4,6,3': 50,
  'bottleneck 3,4,23,3': 101,
  'bottleneck 3,8,36,3': 152,
};

/**
 * `config.json` of ResNetForImageClassification in Hugging Face's transformers, whose defaults are in
 * models/resnet/configuration_resnet.py; mean, std and size are in `preprocessor_config.json`.
 */
export const transformersConfig: ForeignConfig = {
  isOf: (config) => config.model_type === 'resnet',
  options: async (config, readBeside) => ({
    architecture: 'resnet',
    ...networkOptions(config),
    ...imageOptions(await readBeside('preprocessor_config.json'), config.num_channels ?? 3),
  }),
};

function networkOptions(config: Record<string, unknown>) {
  const { layer_type: layer = 'bottleneck', depths: blocks = [3, 4, 6, 3] } = config;
  const depth = depths[`${layer} ${blocks}`];
  const widths = layer === 'basic' ? [64, 128, 256, 512] : [256, 512, 1024, 2048];
  const { hidden_sizes: sizes = [256, 512, 1024, 2048], embedding_size: stem = 64 } = config;
  if (!depth || String(sizes) !== String(widths) || stem !== 64) {
    throw refuse(
      `${layer} blocks ${blocks} of widths ${sizes} after a stem of ${stem} are no ResNet-18, 34, 50, 101 or 152`,
    );
  }
  for (const option of ['downsample_in_first_stage', 'downsample_in_bottleneck']) {
    if (config[option]) throw refuse(`${option} puts strides where no network here has them`);
  }
  // transformers gives hidden_act to the stem and to the end of a block; inside, it is ReLU whatever that says.
  const { hidden_act: activation = 'relu' } = config;
  if (activation !== 'relu')
    throw refuse(`hidden_act is ${JSON.stringify(activation)}, not "relu"`);
  const labels = config.id2label ? Object.keys(object(config.id2label)).length : undefined;
  // transformers doesn't write its default, two labels.
  return { depth, activation, numClasses: labels ?? config.num_labels ?? 2 };
}

function imageOptions(images: Record<string, unknown>, channels: unknown) {
  const { do_rescale: rescale = true, rescale_factor: factor = 1 / 255 } = images;
  if (rescale && Math.abs(Number(factor) * 255 - 1) > 1e-6) {
    throw refuse(
      `rescale_factor is ${factor}; here, pixels are in [0, 1]`,
      'preprocessor_config.json',
    );
  }
  const { image_mean: mean, image_std: std } = images;
  const normalized = images.do_normalize !== false;
  if (normalized && (!mean || !std)) {
    throw refuse('it has no image_mean or no image_std', 'preprocessor_config.json');
  }
  const size = images.do_center_crop && images.crop_size ? images.crop_size : images.size;
  const { height, width, shortest_edge: edge } = typeof size === 'object' ? object(size) : {};
  const square = edge ?? size;
  return {
    inputShape: [height ?? square, width ?? square, channels],
    ...(normalized && { mean, std }),
  };
}
