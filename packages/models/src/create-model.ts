import type { ConfiguredClassifier, ModelConfig } from './configured-classifier.ts';
import { resNet } from './resnet.ts';
import { smallConvNet } from './small-conv-net.ts';
import { wideResNet } from './wide-resnet.ts';

const architectures: {
  [Name in ModelConfig['architecture']]: (options: never) => ConfiguredClassifier;
} = {
  resnet: resNet,
  'small-conv-net': smallConvNet,
  'wide-resnet': wideResNet,
};

/**
 * Builds a network, with fresh weights, from its configuration: plain data, as in `config.json`.
 *
 * @param config - `architecture` and that architecture's options; or for the architecture a network's name,
 *   `wrn-28-10` or `resnet-152`, which stands for the depth and the width as well
 * @throws when the architecture or an option is unknown, or an option is out of range
 */
export function createModel(config: unknown): ConfiguredClassifier {
  const { architecture, ...options } = withNameResolved((config ?? {}) as Record<string, unknown>);
  const known = Object.keys(architectures);
  if (typeof architecture !== 'string' || !known.includes(architecture)) {
    throw new Error(
      `unknown architecture ${JSON.stringify(architecture)}; known are ${known.join(', ')}, and names such as wrn-28-10 and resnet-50.`,
    );
  }
  const model = architectures[architecture as ModelConfig['architecture']](options as never);
  const unknown = Object.keys(options).filter((name) => !(name in model.config));
  if (unknown.length > 0) {
    const takes = Object.keys(model.config).filter((name) => name !== 'architecture');
    model.dispose();
    throw new Error(
      `${architecture} has no option ${unknown.join(', ')}; it has ${takes.join(', ')}.`,
    );
  }
  return model;
}

/** `wrn-D-K` and `resnet-D`, as networks call themselves, written out. */
function withNameResolved(config: Record<string, unknown>): Record<string, unknown> {
  const { architecture } = config;
  if (typeof architecture !== 'string') return config;
  const [, depth, widthFactor] = /^(?:wrn-(\d+)-(\d+))$/.exec(architecture) ?? [];
  if (widthFactor) {
    return {
      ...config,
      architecture: 'wide-resnet',
      depth: Number(depth),
      widthFactor: Number(widthFactor),
    };
  }
  const [, resNetDepth] = /^resnet-(\d+)$/.exec(architecture) ?? [];
  return resNetDepth ? { ...config, architecture: 'resnet', depth: Number(resNetDepth) } : config;
}
