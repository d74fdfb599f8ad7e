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

/** SHA-256 of the files of a network. */
type Weights = Readonly<Record<string, string>>;

const surfaceFile = /^surface-\d+\.json$/;

/**
 * Reads what `llr gamma`, `llr bounds`, `llr verdict` and `llr surface` have left in a run's folder.
 *
 * @param weights - of the network that is there now
 * @throws naming the file that can't be read, or that was measured on another network
 */
export async function measurementsIn(directory: string, weights: Weights): Promise<Measurements> {
  const names = await readdir(directory);
  const readOne = async <Kind>(name: string) => {
    const file = join(directory, name);
    const measurement = await readMeasurement<Kind & { provenance?: { weights: Weights } }>(file);
    assertSameNetwork(file, measurement.provenance?.weights ?? {}, weights);
    return measurement;
  };
  const read = async <Kind>(name: string) =>
    names.includes(name) ? await readOne<Kind>(name) : undefined;
  const [gamma, bounds, verdict] = [
    await read<LocalLinearityHistogram>('gamma.json'),
    await read<BoundsReport>('bounds.json'),
    await read<ObfuscationVerdict>('verdict.json'),
  ];
  const surfaces: LossSurface[] = [];
  for (const name of names.filter((one) => surfaceFile.test(one)).sort(byNumber)) {
    surfaces.push(await readOne<LossSurface>(name));
  }
  return {
    ...(gamma && { gamma }),
    ...(bounds && { bounds }),
    ...(verdict && { verdict }),
    ...(surfaces.length > 0 && { surfaces }),
  };
}

/** A network trained anew leaves the measurements of the one before. */
function assertSameNetwork(file: string, measured: Weights, now: Weights): void {
  const other = Object.keys(measured).find((name) => name in now && now[name] !== measured[name]);
  if (other === undefined) return;
  throw new Error(
    `${file} was measured on another network than is there now (${other} differs). Remove it or measure it anew.`,
  );
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
