import type { ConfiguredClassifier, ModelConfig } from './configured-classifier.ts';
import { smallConvNet } from './small-conv-net.ts';
import { wideResNet } from './wide-resnet.ts';

const architectures: {
  [Name in ModelConfig['architecture']]: (options: never) => ConfiguredClassifier;
} = {
  'small-conv-net': smallConvNet,
  'wide-resnet': wideResNet,
};

/**
 * Builds a network, with fresh weights, from its configuration: plain data, as in `config.json`.
 *
 * @param config - `architecture` and that architecture's options
 * @throws when the architecture or an option is unknown, or an option is out of range
 */
export function createModel(config: unknown): ConfiguredClassifier {
  const { architecture, ...options } = (config ?? {}) as Record<string, unknown>;
  const known = Object.keys(architectures);
  if (typeof architecture !== 'string' || !known.includes(architecture)) {
    throw new Error(
      `unknown architecture ${JSON.stringify(architecture)}; known are ${known.join(', ')}.`,
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
