import {
  dataUsages,
  type OpenDataOptions,
  type PreprocessingName,
  preprocessingNames,
} from '@llr/datasets';
import { Argument, Option } from 'commander';
import { wholeNumber } from '../../options.ts';

/** `<data>`, on every command that reads images. */
export const dataArgument = () => new Argument('<data>', dataUsages.join(', '));

export const splitOption = () =>
  new Option('--split <name>', 'which images').choices(['train', 'test']).default('train');

/** How encoded images become those that a network sees. */
export interface DecodingOptions {
  preprocessing?: PreprocessingName;
  size?: number;
  partial?: boolean;
}

export const decodingOptions = (): Option[] => [
  new Option('--preprocessing <name>', 'of encoded images (default: torchvision)').choices([
    ...preprocessingNames,
  ]),
  new Option('--size <pixels>', 'the edge of decoded images (default: 224)').argParser(wholeNumber),
  new Option('--partial', 'accept a part of CIFAR or ImageNet'),
];

export const decodedAs = ({ preprocessing, size, partial }: DecodingOptions): OpenDataOptions => ({
  ...(preprocessing && { preprocessing }),
  ...(size !== undefined && { size }),
  ...(partial && { partial }),
});
