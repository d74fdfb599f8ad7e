import { pillowBicubic } from './pillow-resize.ts';
import { torchvisionWith } from './torchvision.ts';

/**
 * RobustBench's `BicubicRes256Crop224` for evaluation: torchvision's with bicubic interpolation (Croce et al.
 * 2021). RobustBench trains nothing; the training form is torchvision's with the same interpolation.
 */
export const robustbenchBicubic = torchvisionWith(pillowBicubic);
