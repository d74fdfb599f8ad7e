import { escapeHtml } from '../report/html.ts';

/** A piece of a drawing: SVG elements from (0, 0) on, and how much room they take. */
export interface Block {
  width: number;
  height: number;
  svg: string;
}

/** From left to right, their upper edges aligned. */
export function beside(blocks: readonly Block[], gap = 20): Block {
  let x = 0;
  const placed = blocks.map((block) => {
    const moved = at(x, 0, block);
    x += block.width + gap;
    return moved;
  });
  const height = Math.max(0, ...blocks.map((block) => block.height));
  return { width: Math.max(0, x - gap), height, svg: placed.join('\n') };
}

/** From top to bottom, their left edges aligned. */
export function below(blocks: readonly Block[], gap = 8): Block {
  let y = 0;
  const placed = blocks.map((block) => {
    const moved = at(0, y, block);
    y += block.height + gap;
    return moved;
  });
  const width = Math.max(0, ...blocks.map((block) => block.width));
  return { width, height: Math.max(0, y - gap), svg: placed.join('\n') };
}

/** In rows of so many. */
export function inRows(blocks: readonly Block[], columns: number, gap = 20): Block {
  const rows = Math.ceil(blocks.length / columns);
  return below(
    Array.from({ length: rows }, (_, row) =>
      beside(blocks.slice(row * columns, (row + 1) * columns), gap),
    ),
    gap,
  );
}

const at = (x: number, y: number, { svg }: Block) =>
  `<g transform="translate(${Number(x.toFixed(2))},${Number(y.toFixed(2))})">${svg}</g>`;

/** How wide a letter is, on average and at most, in parts of the font's size. */
const letter = 0.6;

/** A line of text. What is wider than `width` is cut off, with an ellipsis. */
export function line(
  text: string,
  { size = 12, bold = false, colour = ink, width = Infinity } = {},
): Block {
  const fits = Math.floor(width / (letter * size));
  const shown = text.length > fits ? `${text.slice(0, Math.max(1, fits - 1))}…` : text;
  const weight = bold ? ' font-weight="700"' : '';
  return {
    width: Math.min(width, shown.length * letter * size),
    height: 1.3 * size,
    svg: `<text y="${size}" font-size="${size}"${weight} fill="${colour}" text-anchor="start">${escapeHtml(shown)}</text>`,
  };
}

/** Lines of text no wider than `width`, broken between words. */
export function paragraph(text: string, width: number, options: { size?: number } = {}): Block {
  const size = options.size ?? 11;
  const most = Math.floor(width / (letter * size));
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= most || lines.at(-1) === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return below(
    lines.map((one) => line(one, { size, colour: muted })),
    2,
  );
}

/** The colours of text. */
const ink = '#1e2124';
const muted = '#5c6167';

const margin = 16;

/**
 * A whole drawing as an SVG file, on white.
 *
 * @param alternative - what it shows, in words, for those who can't see it
 */
export function drawing({ width, height, svg }: Block, alternative: string): string {
  const [w, h] = [width + 2 * margin, height + 2 * margin].map(Math.ceil);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" font-family="DejaVu Sans, Verdana, sans-serif" color="${ink}" fill="${ink}">
<title>${escapeHtml(alternative)}</title>
<style>.floor { fill: #f1f2ee; stroke: #dfe0db } .axis { fill: none; stroke: #8a8f94 }</style>
<rect width="${w}" height="${h}" fill="#ffffff"/>
<g transform="translate(${margin},${margin})">
${svg}
</g>
</svg>
`;
}
