import type { TrainableClassifier } from '@llr/core';
import type { Variable } from '@tensorflow/tfjs-core';
import type { ResNetConfig } from './resnet.ts';
import type { SmallConvNetConfig } from './small-conv-net.ts';
import type { ModelSummary } from './summary.ts';
import type { WideResNetConfig } from './wide-resnet.ts';

/** The architecture of one of this package's networks with all of its options: plain JSON, enough to rebuild it. */
export type ModelConfig = ResNetConfig | SmallConvNetConfig | WideResNetConfig;

/** A variable under the name it has in a weights file. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: Variable;
}

/** One of this package's networks: it knows how it was built, and owns its variables. */
export interface ConfiguredClassifier extends TrainableClassifier {
  readonly config: ModelConfig;
  /** Batch normalisation's running averages, which weights files hold beside the parameters. */
  readonly runningStatistics: readonly NamedVariable[];
  /** Its layers, parameters and multiply-adds; as a string, a table. */
  summary(): ModelSummary;
  /** Frees the variables; the network can't be used afterwards. */
  dispose(): void;
}
