/** The engines, fastest first. */
export const engineNames = [
  'tensorflow-gpu',
  'tfjs-node-gpu',
  'tensorflow',
  'tfjs-node',
  'wasm',
  'cpu',
] as const;
export type EngineName = (typeof engineNames)[number];
