import { describe, expect, test } from 'vitest';
// @ts-expect-error: a plain script, without types
import { parseArguments } from '../bench/attacks/arguments.mjs';
// @ts-expect-error: a plain script, without types
import { comparisons } from '../bench/attacks/comparisons.mjs';
// @ts-expect-error: a plain script, without types
import { attackTable, inTurn, resultsOf, suitable } from '../bench/attacks/report.mjs';

/** `o` is robust, `x` is broken. */
const run = (examples: string, seconds: number) => ({
  robust: [...examples].map((example) => example === 'o'),
  seconds,
  cpuSeconds: 2 * seconds,
  parts: {},
});

const results = resultsOf({
  name: 'pgd',
  title: 'PGD',
  asks: 'strength',
  network: 'robust',
  images: 4,
  rounds: 2,
  attacks: [],
  runs: {
    ours: [run('xxoo', 1), run('xoxo', 2)],
    theirs: [run('xoox', 3), run('xoox', 30)],
  },
});

describe('a comparison', () => {
  const [ours, theirs] = results.rows;

  test('lists the examples that one side breaks in some round, and the other in none', () => {
    expect(theirs.onlyThey).toEqual([3]);
    expect(theirs.onlyWe).toEqual([1, 2]);
    expect([ours.onlyThey, ours.onlyWe]).toEqual([[], []]);
  });

  test('has the mean accuracy, the least time, and the median over the rounds of ratios', () => {
    expect([ours.robust, theirs.robust]).toEqual([0.5, 0.5]);
    expect([ours.seconds, theirs.seconds]).toEqual([1, 3]);
    expect([theirs.ratio, theirs.cpuRatio]).toEqual([9, 9]);
  });

  test('is a Markdown table', () => {
    const lines = attackTable([results]).split('\n');
    const widths = lines
      .filter((line: string) => line.startsWith('|'))
      .map((line: string) => line.split('|').length);
    expect(widths).toEqual(Array(4).fill(widths[0]));
    expect(lines.at(-1)).toMatch(/^\| theirs +\| 50\.0 % +\| 3\.0 .*\| 9\.00 .*\| 3 +\| 1 2 +\|$/);
  });
});

test('attacks that know nothing of one another break an example if one of them does', () => {
  const both = inTurn([
    { ...run('xoo', 1), outside: 0 },
    { ...run('oxo', 2), outside: 0.5 },
  ]);
  expect(both).toMatchObject({
    robust: [false, false, true],
    seconds: 3,
    cpuSeconds: 6,
    outside: 0.5,
  });
});

test('each side gets the smallest batch that is as good as its best', () => {
  const took = (side: string, batch: number, perImage: number) => ({
    side,
    batch,
    gradient: { cpuSeconds: perImage * batch },
  });
  const found = [took('a', 25, 2), took('a', 50, 1.05), took('a', 100, 1), took('b', 25, 1)];
  expect(suitable(found, 'a')).toBe(found[1]);
  expect(suitable(found, 'b')).toBe(found[3]);
});

describe('arguments', () => {
  test('are everything, unless they say less', () => {
    expect(parseArguments([]).comparisons).toEqual(comparisons);
    const some = parseArguments(['--only', 'fgsm,suite', '--peers', '', '--images', '30']);
    expect(some.comparisons.map(({ name }: { name: string }) => name)).toEqual(['fgsm', 'suite']);
    expect(some).toMatchObject({ peers: [], images: 30 });
  });

  test.each([
    [['--only', 'cw'], /--only knows no "cw"; there are fgsm/],
    [['--peers', 'cleverhans'], /--peers knows no "cleverhans"/],
    [['--images', '0'], /--images takes a whole number from 1 to 10000; got 0/],
  ])('%j is an error in words', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
  });
});

test('no two comparisons have a name in common', () => {
  const names = comparisons.map(({ name }: { name: string }) => name);
  expect(new Set(names).size).toBe(names.length);
});
