import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { NamedVariable } from '../configured-classifier.ts';
import { describeNetwork } from './describe-network.ts';
import { type FileContents, fileContents } from './file-contents.ts';
import { fileShape, fromFile, ownShape } from './layout.ts';
import { ownNaming } from './namings/own.ts';
import { normalizationProblems } from './normalization-problems.ts';
import { floatingPoint } from './number-formats.ts';
import { brackets, firstNotFinite, listed, notFinite, notFloatingPoint } from './problems.ts';
import { type SafetensorsFile, withSafetensors } from './safetensors-file.ts';
import { configOf, variablesOf, type WeightsOwner } from './weights-owner.ts';

/**
 * Loads a safetensors file into a network of the same architecture: one that `saveWeights` wrote, or one
 * under the names and in the layout of PyTorch code that is known here (docs/weights.md), recognised by the
 * names. F16, BF16 and F64 become float32. The file is read twice, tensor by tensor: all of it is checked
 * before any of it is loaded.
 *
 * @throws one error with everything that doesn't fit (tensors missing, extra, of another shape, NaN or
 *   infinite; other padding; another mean or std), or one saying why the file can't be read; the network is
 *   unchanged then
 */
export async function loadWeights(model: WeightsOwner, file: string): Promise<void> {
  await withSafetensors(file, async (opened) => {
    const variables = variablesOf(model);
    const contents = fileContents(
      opened.tensors,
      variables.map(({ name }) => name),
    );
    assertSameNetwork(model, contents, file);
    const problems = [
      ...paddingProblems(model, contents),
      ...(await normalizationProblems(opened, contents, configOf(model) ?? {})),
      ...misfits(variables, contents),
      ...(await valueProblems(variables, opened, contents)),
    ];
    if (problems.length > 0) {
      throw new Error(
        `${file} doesn't fit the network ${model.name}.${held(contents)}${listed(problems)}`,
      );
    }
    await assign(variables, opened, contents).catch((error: Error) => {
      throw new Error(`${error.message} ${model.name} holds a part of it now: load it again.`, {
        cause: error,
      });
    });
  });
}

async function assign(
  variables: readonly NamedVariable[],
  opened: SafetensorsFile,
  { naming, weights }: FileContents,
): Promise<void> {
  for (const { name, variable } of variables) {
    const stored = await opened.read(weights.get(name)!);
    const values = fromFile(naming.layout, stored, variable.shape);
    tidy(() => variable.assign(tensor(values, variable.shape)));
  }
}

function assertSameNetwork(model: WeightsOwner, contents: FileContents, file: string): void {
  const { architecture } = contents.naming;
  if (!architecture || architecture === configOf(model)?.architecture) return;
  throw new Error(
    `${file} is of another network than ${model.name}.${held(contents)} Those fit only a network that ${architecture === 'resnet' ? 'resNet' : 'wideResNet'} makes.`,
  );
}

/** What the file holds, if that is known. */
function held({ naming, weights }: FileContents): string {
  const shapes = new Map(
    [...weights].map(([name, { shape }]) => [name, ownShape(naming.layout, shape)]),
  );
  const network = describeNetwork(shapes);
  if (!network) return '';
  return ` It holds ${network}${naming === ownNaming ? '' : `, under ${naming.title}`}.`;
}

function paddingProblems(model: WeightsOwner, { naming }: FileContents): string[] {
  const config = configOf(model);
  if (!naming.padding || !config || !('padding' in config)) return [];
  if (config.padding === naming.padding) return [];
  return [
    `padding: the network these weights are of pads strided convolutions otherwise; build it with padding: '${naming.padding}'`,
  ];
}

function misfits(variables: readonly NamedVariable[], contents: FileContents): string[] {
  const { naming, weights, strangers, fileName } = contents;
  const known = new Set(variables.map(({ name }) => name));
  const own = variables.flatMap(({ name, variable }) => {
    const stored = weights.get(name);
    const expected = brackets(fileShape(naming.layout, variable.shape));
    if (!stored) return [`missing: ${fileName(name)} ${expected}`];
    const found = brackets(stored.shape);
    return found === expected ? [] : [`shape: ${stored.name} is ${found}, not ${expected}`];
  });
  const unknown = [...weights].flatMap(([name, stored]) => (known.has(name) ? [] : [stored]));
  const extra = [...unknown, ...strangers].map(
    ({ name, shape }) => `extra: ${name} ${brackets(shape)}`,
  );
  return [...own, ...extra];
}

/** Tensors that are no floating-point numbers, or not all of them finite. */
async function valueProblems(
  variables: readonly NamedVariable[],
  opened: SafetensorsFile,
  { weights }: FileContents,
): Promise<string[]> {
  const problems: string[] = [];
  for (const variable of variables) {
    const stored = weights.get(variable.name);
    if (!stored) continue;
    if (!floatingPoint.includes(stored.dtype)) {
      problems.push(notFloatingPoint(stored));
      continue;
    }
    let before = 0;
    for await (const piece of opened.pieces(stored)) {
      const at = firstNotFinite(piece);
      if (at >= 0) problems.push(notFinite(stored.name, piece[at], before + at));
      if (at >= 0) break;
      before += piece.length;
    }
  }
  return problems;
}
