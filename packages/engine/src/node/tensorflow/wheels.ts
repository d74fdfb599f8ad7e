import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { download } from './download.ts';
import { distribution, downloadFolder, type Kind, recipe } from './recipe.ts';
import { findPip } from './requirements.ts';
import { ProgramFailed, run } from './run.ts';
import { readInfo, withWheel } from './unpack-wheel.ts';

export interface Wheels {
  tensorflow: string;
  /** NVIDIA's libraries, for `gpu`. */
  nvidia: readonly string[];
}

interface Sources {
  kind: Kind;
  /** A wheel, or a folder of wheels: nothing is downloaded. */
  given?: string;
  staging: string;
  report(step: string, bytes?: number): void;
}

/**
 * The wheels that a build needs: those given, those downloaded before, or through the user's own pip, so that
 * its mirrors and proxies count.
 *
 * @throws where one is missing or can't be had
 */
export async function findWheels(sources: Sources): Promise<Wheels> {
  const { kind, given } = sources;
  const name = distribution(kind);
  const tensorflow =
    given && !statSync(given).isDirectory()
      ? checked(given, name)
      : await wheel(sources, name, `${name}==${recipe.tensorflow}`);
  if (kind === 'cpu') return { tensorflow, nvidia: [] };
  const metadata = await withWheel(tensorflow, (opened) => readInfo(opened, 'METADATA'));
  const nvidia: string[] = [];
  for (const requirement of cudaRequirements(metadata)) {
    const [library] = requirement.match(/^[\w.-]+/)!;
    nvidia.push(await wheel(sources, library, requirement));
  }
  return { tensorflow, nvidia };
}

/** The folder that is given, or that the file given is in. */
export const folderOf = (given: string): string =>
  statSync(given).isDirectory() ? given : dirname(given);

/** The requirements of TensorFlow's extra and-cuda, such as `nvidia-cudnn-cu12<10.0,>=9.3.0.75`. */
const cudaRequirements = (metadata: string): string[] =>
  [...metadata.matchAll(/^Requires-Dist: ([^;\n]+);.*extra == ["']and-cuda["']/gm)].map((match) =>
    match[1]!.replaceAll(/[\s()]/g, ''),
  );

async function wheel(sources: Sources, name: string, requirement: string): Promise<string> {
  const { given, staging, report } = sources;
  const folder = given ? folderOf(given) : downloadFolder();
  const version = requirement.match(/==(.+)$/)?.[1];
  const there = findWheel(folder, name, version);
  if (there) return there;
  if (given) {
    throw new Error(
      `There is no wheel of ${requirement} in ${folder}. Where there is a network, get it: pip ${pipArguments(requirement, '.').join(' ')}`,
    );
  }
  report(`downloading ${name}`);
  const [pip, ...first] = await findPip();
  try {
    return await download(
      folder,
      staging,
      (into) =>
        run(pip, [...first, ...pipArguments(requirement, into)], {
          env: { ...process.env, TMPDIR: into, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
        }),
      (bytes) => report(`downloading ${name}`, bytes),
    );
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw new Error(
      `pip could not get ${requirement}. Its last words:${error.lastWords()}\nOn a machine without network, give the wheel: llr engine install --wheel FILE-OR-FOLDER.`,
    );
  }
}

/**
 * Python itself plays no part, so whichever version the user has, the same wheels are asked for. pip takes each
 * name of a platform literally: wheels for an older glibc must be named too.
 */
const pipArguments = (requirement: string, into: string) => [
  'download',
  '--no-deps',
  '--only-binary=:all:',
  '--no-cache-dir',
  '--no-input',
  '--implementation=cp',
  '--python-version=3.12',
  ...platforms.map((platform) => `--platform=${platform}_x86_64`),
  `--dest=${into}`,
  requirement,
];

const platforms = [
  ...Array.from({ length: 23 }, (_, i) => `manylinux_2_${27 - i}`),
  'manylinux2014',
  'manylinux2010',
  'manylinux1',
];

/** As wheels' names are written: `nvidia-cudnn-cu12` is `nvidia_cudnn_cu12` there. */
const normalised = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, '_');

/** A wheel's name and version, from the name of its file. */
function described(file: string): { name: string; version: string } | undefined {
  const [name, version, ...rest] = file.replace(/\.whl$/, '').split('-');
  return file.endsWith('.whl') && version && rest.length >= 3
    ? { name: normalised(name!), version }
    : undefined;
}

function findWheel(folder: string, name: string, version?: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder)
    .sort()
    .findLast((file) => {
      const about = described(file);
      return about?.name === normalised(name) && (version ?? about.version) === about.version;
    });
  return found && join(folder, found);
}

function checked(given: string, name: string): string {
  const file = given.split('/').at(-1)!;
  const about = described(file);
  if (about?.name === normalised(name) && about.version === recipe.tensorflow) return given;
  throw new Error(
    `${given} is not a wheel of ${name} ${recipe.tensorflow}, which would be called ${normalised(name)}-${recipe.tensorflow}-….whl.`,
  );
}
