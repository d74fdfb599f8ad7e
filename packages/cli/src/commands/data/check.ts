import { checkData, type DataCheck, openData } from '@llr/datasets';
import { writeWhole } from '@llr/models';
import type { Command } from 'commander';
import { getBorderCharacters, table } from 'table';
import { jsonOption, withExamples } from '../../options.ts';
import { output } from '../../output.ts';
import { startEngine } from '../../start-engine.ts';
import {
  type DecodingOptions,
  dataArgument,
  decodedAs,
  decodingOptions,
  splitOption,
} from './options.ts';

interface CheckOptions extends DecodingOptions {
  split: 'train' | 'test';
  sheet?: string;
  json?: boolean;
}

/** `llr data check`: read every image of a data set, and say what is in it. */
export function dataCheck(data: Command): void {
  const command = data
    .command('check')
    .description('read every image, and count classes, pixels and damaged images')
    .addArgument(dataArgument())
    .addOption(splitOption())
    .option('--sheet <file>', 'write the first images of each class to a PNG')
    .addOption(jsonOption())
    .action(check);
  for (const option of decodingOptions()) command.addOption(option);
  withExamples(command, [
    'llr data check fashion-mnist --sheet fashion.png',
    'llr data check folder:photos --split train --json',
  ]);
}

async function check(
  spec: string,
  { split, sheet, json = false, ...decoding }: CheckOptions,
): Promise<void> {
  const out = output(json);
  await startEngine({}, output(true));
  const source = await openData(spec, decodedAs(decoding)).open(split);
  const bar = out.bar(`${source.name}, ${source.split}`, 'images');
  const found = await checkData(source, (read) => bar.update(read, source.size));
  bar.done();
  const { sheet: draw, ...result } = found;
  if (sheet) await writeWhole(sheet, [draw()]);
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : described(found));
  if (sheet) out.say(`The first images of each class are in ${sheet}.`);
  if (found.damaged.length > 0) {
    throw new Error(`${found.damaged.length} of ${found.size} images are damaged.`);
  }
}

/** Of many classes, the table has this many of the smallest and of the largest. */
const shown = 10;

function described({ name, split, inputShape, size, classes, mean, std, damaged }: DataCheck) {
  const numbers = (values: readonly number[]) => values.map((value) => value.toFixed(4)).join(', ');
  const sorted = classes.toSorted((a, b) => b.count - a.count);
  const rows =
    classes.length <= 2 * shown ? classes : [...sorted.slice(0, shown), ...sorted.slice(-shown)];
  const most = Math.max(1, ...classes.map(({ count }) => count));
  const lines = [
    `${name}, ${split}: ${size.toLocaleString('en')} images of ${inputShape.join(' x ')}, ${classes.length} classes`,
    `mean ${numbers(mean)}; std ${numbers(std)} (of pixels in [0, 1])`,
    ...(rows === classes ? [] : [`the ${shown} largest classes and the ${shown} smallest:`]),
  ];
  const histogram = table(
    rows.map(({ name: label, count }) => [
      label,
      count,
      '█'.repeat(Math.round((30 * count) / most)),
    ]),
    {
      border: getBorderCharacters('void'),
      columns: { 1: { alignment: 'right' } },
      drawHorizontalLine: () => false,
    },
  );
  const problems = damaged.slice(0, 2 * shown).map(({ message }) => `  ${message}`);
  const more = damaged.length - problems.length;
  const verdict =
    damaged.length === 0
      ? ['every image can be read']
      : [
          `${damaged.length.toLocaleString('en')} damaged:`,
          ...problems,
          ...(more > 0 ? [`  and ${more.toLocaleString('en')} more (--json has all)`] : []),
        ];
  return `${[...lines, '', histogram, ...verdict].join('\n')}\n`;
}
