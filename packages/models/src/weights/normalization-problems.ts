import type { PixelStatistics } from '../layers/pixel-normalization.ts';
import type { FileContents } from './file-contents.ts';
import { floatingPoint } from './number-formats.ts';
import { notFloatingPoint } from './problems.ts';
import type { SafetensorsFile } from './safetensors-file.ts';

const neutral = { mean: 0, std: 1 };

/** Where the mean and standard deviation that a file was trained with are not those the network was built with. */
export async function normalizationProblems(
  opened: SafetensorsFile,
  { normalization }: FileContents,
  config: PixelStatistics,
): Promise<string[]> {
  const problems: string[] = [];
  for (const { part, tensor } of normalization) {
    if (!floatingPoint.includes(tensor.dtype)) {
      problems.push(notFloatingPoint(tensor));
      continue;
    }
    const theirs = await opened.read(tensor);
    const ours = config[part];
    const channels = ours?.length ?? theirs.length;
    const same =
      theirs.length === channels &&
      theirs.every((value, i) => Math.abs(value - (ours?.[i] ?? neutral[part])) < 1e-6);
    if (same) continue;
    // As they were written, before they became float32.
    const shown = `[${Array.from(theirs, (value) => Number(value.toPrecision(6))).join(', ')}]`;
    const has = ours ? `has ${part}: [${ours.join(', ')}]` : `has no ${part}`;
    problems.push(
      `normalization: ${tensor.name} is ${shown}, but the network ${has}: build it with ${part}: ${shown}`,
    );
  }
  return problems;
}
