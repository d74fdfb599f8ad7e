import { writeForms } from '../measure/files.ts';
import type { Figure } from './findings.ts';

/** Writes a figure as SVG and PNG into the folder of the results. */
export async function writeFigure(
  directory: string,
  name: string,
  svg: string,
  alt: string,
): Promise<Figure[]> {
  await writeForms(directory, name, { svg }, ['svg', 'png']);
  return [{ file: `${name}.svg`, alt }];
}
