import { type ForeignConfig, object, refuse } from './foreign-config.ts';

/** timm/models/resnet.py: torchvision's networks, also under the names that older versions gave to their weights. */
const architectures = /^(?:tv_|ssl_|swsl_)?resnet(18|34|50|101|152)$/;

/** `config.json` of a timm model on Hugging Face: the architecture's name, and how its data were prepared. */
export const timmConfig: ForeignConfig = {
  isOf: (config) =>
    typeof config.architecture === 'string' &&
    // timm 0.6 put at the top what is in pretrained_cfg now.
    ('pretrained_cfg' in config || 'input_size' in config),
  options: async (config) => {
    const depth = architectures.exec(config.architecture as string)?.[1];
    if (!depth) {
      throw refuse(
        `timm's ${config.architecture} is not known here; resnet18, 34, 50, 101 and 152 are`,
      );
    }
    // What timm always writes says nothing about the network that isn't said elsewhere; anything else does.
    const {
      num_classes: _,
      in_chans: channels,
      global_pool: pool,
      ...args
    } = object(config.model_args);
    const changed = Object.keys(args);
    if (changed.length > 0) {
      throw refuse(
        `model_args changes the network by ${changed.join(', ')}, which is not known here`,
      );
    }
    for (const used of [config.global_pool, pool]) {
      if ((used ?? 'avg') !== 'avg') {
        throw refuse(`global_pool is ${JSON.stringify(used)}, not "avg"`);
      }
    }
    const data = 'pretrained_cfg' in config ? object(config.pretrained_cfg) : config;
    const { input_size: size, mean, std } = data;
    if (!Array.isArray(size) || size.length !== 3 || !mean || !std) {
      throw refuse('it has no input_size [channels, height, width], no mean or no std');
    }
    return {
      architecture: 'resnet',
      depth: Number(depth),
      numClasses: config.num_classes ?? data.num_classes,
      activation: 'relu',
      inputShape: [size[1], size[2], channels ?? size[0]],
      mean,
      std,
    };
  },
};
