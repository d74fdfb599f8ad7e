import type { RecordedStatistics, StatisticsUse } from '@llr/core';
import { type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { ConfiguredClassifier, ModelConfig } from './configured-classifier.ts';
import type { NormPass } from './layers/batch-norm.ts';
import type { NetworkBuilder } from './network-builder.ts';
import { assertImages } from './options.ts';
import { summaryOf } from './summary.ts';

interface NetworkParts {
  name: string;
  config: ModelConfig;
  /** A network without batch norm knows only `'running'`. */
  builder: NetworkBuilder;
  logits(images: Tensor4D, pass: NormPass): Tensor2D;
}

/** Makes a classifier of a network's parts and its function. */
export function network(parts: NetworkParts): ConfiguredClassifier {
  const { name, config, builder } = parts;
  const { norms } = builder;
  const { inputShape, numClasses } = config;
  const run = (images: Tensor4D, use: StatisticsUse, folded: boolean) => {
    assertImages(name, images, inputShape);
    if (norms.length === 0 && use !== 'running') {
      throw new Error(`${name} has no batch norm: forward it with 'running' statistics.`);
    }
    return tidy(() => {
      const pass: NormPass = { use, recorded: {}, folded };
      const logits = parts.logits(images, pass);
      return use === 'batch' ? { logits, recorded: pass.recorded } : { logits };
    });
  };
  return {
    name,
    config,
    inputShape,
    numClasses,
    statistics: norms.length > 0 ? 'recordable' : 'running',
    parameters: builder.parameters,
    runningStatistics: builder.runningStatistics,
    forward: (images, use) => run(images, use, false),
    freeze: (statistics) => (images) => run(images, statistics, true).logits,
    updateRunning: (recorded: RecordedStatistics) => {
      if (norms.length === 0) throw new Error(`${name} has no batch norm to update.`);
      for (const norm of norms) norm.updateRunning(recorded);
    },
    summary: () => summaryOf(name, inputShape, builder.layers),
    dispose: () => builder.dispose(),
  };
}
