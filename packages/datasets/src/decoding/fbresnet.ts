import { type Box, type Size, square, wholeOf } from './geometry.ts';
import { cropDraws, googleNetCrop } from './google-net-crop.ts';
import { opencvCubic, opencvLinear } from './opencv-resize.ts';
import type { Recipe } from './recipe.ts';
import type { Resize, Resizing } from './resize.ts';
import { beforeCrop } from './shorter-edge.ts';

/**
 * The preprocessing of `fbresnet_augmentor` of facebookresearch/ImageNet-Adversarial-Training (Xie et al. 2019,
 * DENOISE), after fb.resnet.torch, on OpenCV. Evaluation: `ResizeShortestEdge(256, INTER_CUBIC)`,
 * `CenterCrop(224)`. Training: `GoogleNetRandomCropAndResize()` (bilinear), or where no crop is found the shortest
 * edge to 224 and a centre crop, and `Flip(horiz=True)`.
 *
 * Channels are RGB here, BGR there. Its jitter of brightness, contrast, saturation and lighting is left out: by
 * the comment there it “does not have a significant effect on accuracy”.
 */
export const fbresnet: Recipe = {
  draws: cropDraws + 1,
  evaluation: (image, output) => ({
    box: wholeOf(image),
    ...shortestEdgeAndCentre(image, beforeCrop(output), output),
    flip: false,
    resize: opencvCubic,
  }),
  training: (image, output, draws) => {
    const box = googleNetCrop(image, draws);
    const flip = draws[cropDraws]! < 0.5;
    const resize: Resize = opencvLinear;
    if (box) return { box, to: square(output), window: wholeOf(square(output)), flip, resize };
    return {
      box: wholeOf(image),
      ...shortestEdgeAndCentre(image, output, output),
      flip,
      resize,
    };
  },
};

/** `ResizeShortestEdge(edge)`, which rounds the longer edge to the nearest, and `CenterCrop(output)`. */
function shortestEdgeAndCentre(
  { width, height }: Size,
  edge: number,
  output: number,
): Pick<Resizing, 'to' | 'window'> {
  const scale = edge / Math.min(width, height);
  const longer = Math.floor(scale * Math.max(width, height) + 0.5);
  const to = height < width ? { width: longer, height: edge } : { width: edge, height: longer };
  const window: Box = {
    x: Math.floor((to.width - output) / 2),
    y: Math.floor((to.height - output) / 2),
    ...square(output),
  };
  return { to, window };
}
