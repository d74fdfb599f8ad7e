export { departureFromPlane } from './departure-from-plane.ts';
export {
  type ExampleGamma,
  type LocalLinearityHistogram,
  type LocalLinearityHistogramOptions,
  localLinearityHistogram,
} from './local-linearity-histogram.ts';
export {
  type ImageLike,
  type LossSurface,
  type LossSurfaceOptions,
  lossSurface,
} from './loss-surface.ts';
export { type AttackedImage, type Panel, panels } from './panels.ts';
