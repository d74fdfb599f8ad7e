import { readFileSync } from 'node:fs';
import { experimentFrom, parseExperiment, presets, withOverrides } from '@llr/train';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../presets.md', import.meta.url), 'utf8');

/** What stands between two comments. */
const section = (name: string) =>
  new RegExp(`<!-- ${name} -->\n([\\s\\S]*?)<!-- /${name} -->`).exec(page)![1]!.trim();

test('the table has every preset, with its networks', () => {
  const rows = Object.entries(presets).map(
    ([name, { description, experiment }]) =>
      `| \`${name}\` | ${description} | ${Object.keys(experiment.variants).join(', ')} |`,
  );
  expect(section('presets')).toBe(
    ['| preset | | networks |', '| --- | --- | --- |', ...rows].join('\n'),
  );
});

const example = () => parseExperiment(/```yaml\n([\s\S]*?)```/.exec(page)![1]!, 'presets.md');

test('the example is an experiment', async () => {
  const { variants, evaluation } = await experimentFrom(example());
  expect(variants.LLR!.regularizers![0]!.settings).toMatchObject({ lambda: 4, mu: 3 });
  expect(evaluation!.attacks).toHaveLength(2);
});

const unknown: [field: string, setting: string][] = [
  ['data', 'data=zzz'],
  ['model', 'model=zzz'],
  ['loss', 'loss=zzz'],
  ['train.optimizer', 'train.optimizer=zzz'],
  ['train.learningRate.schedule', 'train.learningRate.schedule=zzz'],
  ['variants.*.regularizers', 'variants.LLR.regularizers.0=zzz'],
  ['evaluation.attacks', 'evaluation.attacks.0=zzz'],
];

test.each(unknown)(
  'the names of %s are those that the error of another lists',
  async (field, setting) => {
    const error = await experimentFrom(withOverrides(example(), [setting])).catch(String);
    const listed = /there are (.*)$/.exec(String(error))![1]!.replace(/\.$/, '').split(', ');
    const row = section('names')
      .split('\n')
      .find((line) => line.startsWith(`| \`${field}\``))!;
    const named = [...row.split('|')[2]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    expect(named.filter((name) => !name.includes(':'))).toEqual(listed);
  },
);
