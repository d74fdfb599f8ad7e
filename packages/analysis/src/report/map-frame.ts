/** Where the map of a surface is drawn in its SVG: what stands still and what the page's script moves agree on it. */
export const mapFrame = { width: 360, height: 320, left: 54, right: 22, top: 12, bottom: 40 };
