export { type EngineName, engineNames } from './node/candidates.ts';
export { describeEngine, type EngineReport } from './node/describe-engine.ts';
export { type EngineInUse, type EngineOptions, useEngine } from './node/use-engine.ts';
