export { type Compiled, type CompileOptions, compile } from './compile.ts';
export type { CompiledInput, CompiledSource } from './compiled-source.ts';
export {
  type ConvolutionPrecision,
  convolutionPrecision,
  withConvolutionPrecision,
} from './convolution-precision.ts';
export { type GradientErrors, gradientCheck } from './gradient-check.ts';
export { installHigherOrderGradients } from './gradients/install.ts';
export { NotCompilableError } from './graph/not-compilable-error.ts';
export { heldConstant, holdingConstants } from './held-constant.ts';
export { inputGradient, type ValueWith } from './input-gradient.ts';
export { iterate } from './iterate.ts';
export { orEagerly } from './or-eagerly.ts';
export { type Program, type ProgramOptions, program } from './program.ts';
export { stopGradient } from './stop-gradient.ts';
export { installWasmKernels } from './wasm/install.ts';
export { withOuterGradient, withoutGradient } from './without-gradient.ts';
