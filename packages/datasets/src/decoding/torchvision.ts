import { square, wholeOf } from './geometry.ts';
import { pillowBilinear } from './pillow-resize.ts';
import { cropDraws, randomResizedCrop } from './random-resized-crop.ts';
import type { Recipe } from './recipe.ts';
import type { Resize } from './resize.ts';
import { beforeCrop, centreCrop, resizedShorterEdge } from './shorter-edge.ts';

/** The preprocessing of torchvision's reference training, with the given interpolation. */
export const torchvisionWith = (resize: Resize): Recipe => ({
  draws: cropDraws + 1,
  evaluation: (image, output) => {
    const to = resizedShorterEdge(image, beforeCrop(output));
    return { box: wholeOf(image), to, window: centreCrop(to, output), flip: false, resize };
  },
  training: (image, output, draws) => ({
    box: randomResizedCrop(image, draws),
    to: square(output),
    window: wholeOf(square(output)),
    flip: draws[cropDraws]! < 0.5,
    resize,
  }),
});

/**
 * Torchvision's usual ImageNet preprocessing, on Pillow images. Evaluation: `Resize(256)`, `CenterCrop(224)`.
 * Training: `RandomResizedCrop(224)`, `RandomHorizontalFlip()`. Bilinear, antialiased.
 */
export const torchvision = torchvisionWith(pillowBilinear);
