import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FileRecords, listImages } from '../records/image-folder.ts';
import { trainingWnid, validationNumber } from './image-names.ts';
import type { ImageNetLists } from './lists.ts';
import type { ImageNetSplit } from './split.ts';

export const isWnid = (name: string) => /^n\d{8}$/.test(name);

/**
 * Images in folders named by WordNet ids: labels are the ids' places among the 1,000.
 *
 * @throws an error that names the folder or file: a folder that is none of the 1,000 classes, an image
 *   whose name says that it is of another class or split
 */
export async function wnidFolders(
  directory: string,
  folders: readonly string[],
  split: ImageNetSplit,
  lists: ImageNetLists,
): Promise<FileRecords> {
  const other = folders.find((name) => !lists.labelOf.has(name));
  if (other !== undefined) {
    throw new Error(
      `${join(directory, other)} is none of the 1,000 classes of ILSVRC2012: their folders are named by WordNet ids (n01440764).`,
    );
  }
  return listImages({
    form: 'ImageFolder',
    classNames: lists.classNames,
    folders: folders.map((name) => ({
      path: join(directory, name),
      label: lists.labelOf.get(name)!,
    })),
    labelOf: (label, name, folder) => {
      const said = labelInName(name, split, folder, lists);
      if (said === undefined || said === label) return label;
      throw new Error(
        `${join(folder, name)} lies in the folder of ${lists.wnids[label]}, but is an image of ${lists.wnids[said]}.`,
      );
    },
  });
}

/**
 * Images in one folder, whose labels are in their names: ILSVRC2012_val_00000001.JPEG by the list of labels,
 * n01440764_10026.JPEG by its WordNet id. Where Kaggle's `LOC_val_solution.csv` lies in this folder or above,
 * it has to agree.
 *
 * @throws an error that names the file: an image that is named otherwise, or of another split; a label of
 *   the CSV that is another
 */
export async function flatFolder(
  directory: string,
  split: ImageNetSplit,
  lists: ImageNetLists,
): Promise<FileRecords> {
  if (split === 'validation') await checkSolution(directory, lists);
  return listImages({
    form: 'flat folder',
    classNames: lists.classNames,
    folders: [{ path: directory, label: -1 }],
    labelOf: (_, name, folder) => {
      const label = labelInName(name, split, folder, lists);
      if (label !== undefined) return label;
      throw new Error(
        `${join(folder, name)}: its name says no label; in one folder, images keep the names they were published with (ILSVRC2012_val_00000001.JPEG).`,
      );
    },
  });
}

/** The label that a published name stands for; undefined for other names. */
function labelInName(
  name: string,
  split: ImageNetSplit,
  folder: string,
  { validationLabels, labelOf }: ImageNetLists,
): number | undefined {
  const number = validationNumber(name);
  const wnid = trainingWnid(name);
  const found = number !== undefined ? 'validation' : wnid !== undefined ? 'train' : split;
  if (found !== split) {
    throw new Error(
      `${join(folder, name)} is an image of the split '${found}'; '${split}' was asked for.`,
    );
  }
  if (number !== undefined) return validationLabels[number - 1]!;
  const label = wnid === undefined ? undefined : labelOf.get(wnid);
  if (wnid === undefined || label !== undefined) return label;
  throw new Error(`${join(folder, name)}: ${wnid} is none of the 1,000 classes of ILSVRC2012.`);
}

/** From ILSVRC/Data/CLS-LOC/val up to the folder that Kaggle's archive is unpacked in. */
const levelsAbove = 4;

async function checkSolution(directory: string, lists: ImageNetLists): Promise<void> {
  let folder = directory;
  for (let level = 0; level <= levelsAbove; level++, folder = dirname(folder)) {
    const path = join(folder, 'LOC_val_solution.csv');
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    for (const [i, line] of text.split('\n').entries()) {
      const [, image = '', wnid = ''] = /^(ILSVRC2012_val_\d{8}),(n\d{8}) /.exec(line) ?? [];
      const number = validationNumber(`${image}.JPEG`);
      const label = number === undefined ? undefined : lists.validationLabels[number - 1]!;
      if (label === undefined || lists.wnids[label] === wnid) continue;
      throw new Error(
        `${path}, line ${i + 1}: the label of ${image} is ${wnid}, but ${lists.wnids[label]} in the published list: the file was changed.`,
      );
    }
    return;
  }
}
