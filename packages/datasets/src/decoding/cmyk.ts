/**
 * CMYK as an Adobe JPEG stores it, less what is inked, to RGB: Pillow's plain formula, without colour profiles.
 *
 * @param cmyk - interleaved, 0 no ink, 255 full
 * @returns interleaved RGB
 */
export function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const pixels = cmyk.length / 4;
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const paper = 255 - cmyk[4 * pixel + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      const product = cmyk[4 * pixel + ink]! * paper + 128;
      rgb[3 * pixel + ink] = paper - ((product + (product >> 8)) >> 8);
    }
  }
  return rgb;
}
