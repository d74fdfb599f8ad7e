import { type Box, roundHalfEven, type Size } from './geometry.ts';

/** What the shorter edge is made before a crop of `output` pixels is taken: 256 for 224. */
export const beforeCrop = (output: number): number => Math.round((output * 256) / 224);

/** The size after torchvision's `Resize(edge)`: the longer edge is rounded down. */
export function resizedShorterEdge({ width, height }: Size, edge: number): Size {
  const longer = Math.trunc((edge * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: edge, height: longer } : { width: longer, height: edge };
}

/** Torchvision's `CenterCrop(size)` of an image at least as large. */
export function centreCrop({ width, height }: Size, size: number): Box {
  return {
    x: roundHalfEven((width - size) / 2),
    y: roundHalfEven((height - size) / 2),
    width: size,
    height: size,
  };
}
