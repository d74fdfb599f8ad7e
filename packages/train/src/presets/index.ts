import type { Experiment } from '../experiment.ts';
import { quickStart } from './quick-start.ts';

/** Experiments by name. */
export const presets: Readonly<Record<string, Experiment>> = { 'quick-start': quickStart };
