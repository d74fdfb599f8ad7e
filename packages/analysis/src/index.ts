export { type AdversarialDirectionOptions, adversarialDirection } from './adversarial-direction.ts';
export {
  type BoundName,
  type BoundPair,
  type BoundPerturbation,
  type BoundsExample,
  type BoundsReport,
  type BoundsReportOptions,
  boundsReport,
  type MeasuredBounds,
  type PropositionReport,
} from './bounds-report.ts';
export { boundsCsv, gammaCsv, surfaceCsv } from './csv.ts';
export { departureFromPlane } from './departure-from-plane.ts';
export { boundsFigure } from './figures/bounds-figure.ts';
export { gammaFigure, type NamedHistogram } from './figures/gamma-figure.ts';
export { type NamedPanels, panelsFigure } from './figures/panels-figure.ts';
export { rasterize } from './figures/rasterize.ts';
export { type NamedSurface, surfaceFigure } from './figures/surface-figure.ts';
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
export type {
  MeasurementJournal,
  MeasurementOptions,
  MeasurementProgress,
} from './measurement/journal.ts';
export { neighbourCorrelation } from './obfuscation/neighbour-correlation.ts';
export {
  type ObfuscationVerdictOptions,
  obfuscationVerdict,
  type VerdictProgress,
} from './obfuscation/obfuscation-verdict.ts';
export type {
  AttackAccuracy,
  CurvePoint,
  GammaStatistics,
  NoiseStatistics,
  ObfuscationVerdict,
  Reason,
  VerdictWord,
} from './obfuscation/verdict.ts';
export type { VerdictBudget } from './obfuscation/verdict-attacks.ts';
export type { VerdictEntry, VerdictJournal } from './obfuscation/verdict-journal.ts';
export { type AttackedImage, type Panel, panels } from './panels.ts';
export { board } from './report/board/board.ts';
export type { BoardEntry, BoardInput } from './report/board/input.ts';
export { writeBoard } from './report/board/write-board.ts';
export { epsilonText } from './report/format.ts';
export type { Curve, ReportInput, ReportNetwork } from './report/input.ts';
export { report } from './report/report.ts';
export { writeReport } from './report/write-report.ts';
