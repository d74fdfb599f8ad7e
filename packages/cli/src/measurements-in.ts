import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  BoundsReport,
  LocalLinearityHistogram,
  LossSurface,
  ObfuscationVerdict,
} from '@llr/analysis';

/** What was measured of a run's network and lies in its folder. */
export interface Measurements {
  gamma?: LocalLinearityHistogram;
  bounds?: BoundsReport;
  verdict?: ObfuscationVerdict;
  surfaces?: LossSurface[];
}

const surfaceFile = /^surface-\d+\.json$/;

/**
 * Reads what `llr gamma`, `llr bounds`, `llr verdict` and `llr surface` have left in a run's folder.
 *
 * @throws naming the file that can't be read
 */
export async function measurementsIn(directory: string): Promise<Measurements> {
  const names = await readdir(directory);
  const read = async <Kind>(name: string) =>
    names.includes(name) ? await readMeasurement<Kind>(join(directory, name)) : undefined;
  const [gamma, bounds, verdict] = [
    await read<LocalLinearityHistogram>('gamma.json'),
    await read<BoundsReport>('bounds.json'),
    await read<ObfuscationVerdict>('verdict.json'),
  ];
  const surfaces: LossSurface[] = [];
  for (const name of names.filter((one) => surfaceFile.test(one)).sort(byNumber)) {
    surfaces.push(await readMeasurement<LossSurface>(join(directory, name)));
  }
  return {
    ...(gamma && { gamma }),
    ...(bounds && { bounds }),
    ...(verdict && { verdict }),
    ...(surfaces.length > 0 && { surfaces }),
  };
}

const byNumber = new Intl.Collator('en', { numeric: true }).compare;

async function readMeasurement<Kind>(file: string): Promise<Kind> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Kind;
  } catch (error) {
    throw new Error(
      `${file} can't be read as JSON (${(error as Error).message}). Remove it or measure it anew.`,
      { cause: error },
    );
  }
}
