import { cropDraws, distortedBoundingBox } from './distorted-bounding-box.ts';
import { type Box, type Size, square, wholeOf } from './geometry.ts';
import type { Recipe } from './recipe.ts';
import { tensorflowBilinear } from './tensorflow-resize.ts';

/**
 * Inception preprocessing, in float32 throughout. Evaluation: as DeepMind's code for the LLR model does it
 * (deepmind-research, unrestricted_advx), `central_crop(0.875)` and TensorFlow 1's `resize_bilinear`. Training: the
 * counterpart in TF-slim, `distorted_bounding_box_crop`, the same resizing and a horizontal flip; without its
 * random choice of interpolation and its distortion of colours.
 */
export const inception: Recipe = {
  draws: cropDraws + 1,
  evaluation: (image, output) => ({
    box: centralCrop(image),
    to: square(output),
    window: wholeOf(square(output)),
    flip: false,
    resize: tensorflowBilinear,
  }),
  training: (image, output, draws) => ({
    box: distortedBoundingBox(image, draws),
    to: square(output),
    window: wholeOf(square(output)),
    flip: draws[cropDraws]! < 0.5,
    resize: tensorflowBilinear,
  }),
};

/** `tf.image.central_crop(image, 0.875)`. */
function centralCrop({ width, height }: Size): Box {
  const x = Math.trunc((width - width * 0.875) / 2);
  const y = Math.trunc((height - height * 0.875) / 2);
  return { x, y, width: width - 2 * x, height: height - 2 * y };
}
