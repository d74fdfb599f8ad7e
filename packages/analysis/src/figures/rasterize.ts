import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

/** They come along: a machine without fonts would draw figures without words. */
const fonts = [
  import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
  import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'),
];
const wasm = import.meta.resolve('@resvg/resvg-wasm/index_bg.wasm');
const read = (url: string) => readFile(fileURLToPath(url));

let renderer: Promise<Uint8Array[]> | undefined;

/** WebAssembly and fonts, loaded when the first figure is drawn. */
function loaded(): Promise<Uint8Array[]> {
  renderer ??= Promise.all([Promise.all(fonts.map(read)), read(wasm).then(initWasm)]).then(
    ([buffers]) => buffers,
  );
  return renderer;
}

/**
 * An SVG as a PNG file, on white, with text in DejaVu Sans; the same bytes on every machine.
 *
 * @param scale - pixels for a unit of the SVG; default 2, for screens of high resolution and print
 * @throws when it is no SVG
 */
export async function rasterize(svg: string, scale = 2): Promise<Uint8Array> {
  const fontBuffers = await loaded();
  const drawing = new Resvg(svg, {
    background: 'white',
    fitTo: { mode: 'zoom', value: scale },
    font: { fontBuffers, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' },
  });
  const image = drawing.render();
  try {
    return image.asPng();
  } finally {
    image.free();
    drawing.free();
  }
}
