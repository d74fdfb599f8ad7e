export { describeEngine, type EngineReport, type EnginesReport } from './node/describe-engine.ts';
export { type EngineName, engineNames } from './node/engine-names.ts';
export type { GpuReport } from './node/nvidia.ts';
export {
  type Installed,
  type InstallOptions,
  installTensorFlow,
} from './node/tensorflow/install.ts';
export { uninstallTensorFlow } from './node/tensorflow/uninstall.ts';
export {
  type EngineInUse,
  type EngineOptions,
  type SkippedEngine,
  useEngine,
} from './node/use-engine.ts';
