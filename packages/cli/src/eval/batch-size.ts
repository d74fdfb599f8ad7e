/** Images in one pass, by the number of their pixels: a ResNet-152 of 224 x 224 and its gradients fit into 16 GB. */
export function defaultBatchSize([height, width]: readonly [number, number, number]): number {
  const pixels = height * width;
  if (pixels <= 64 * 64) return 64;
  if (pixels <= 128 * 128) return 32;
  return pixels <= 256 * 256 ? 16 : 4;
}
