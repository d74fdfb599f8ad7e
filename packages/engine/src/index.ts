export { compile } from './compile.ts';
export { type GradientErrors, gradientCheck } from './gradient-check.ts';
export { installHigherOrderGradients } from './gradients/install.ts';
export { inputGradient, type ValueWith } from './input-gradient.ts';
export { iterate } from './iterate.ts';
export { stopGradient } from './stop-gradient.ts';
export { installWasmKernels } from './wasm/install.ts';
