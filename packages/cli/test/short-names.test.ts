import { expect, test } from 'vitest';
import { shortNames } from '../src/measure/short-names.ts';

test.each([
  [['runs/quick-start/LLR'], ['LLR']],
  [
    ['runs/a/nominal/', 'runs/a/LLR'],
    ['nominal', 'LLR'],
  ],
  [
    ['runs/a/LLR', 'runs/b/LLR', 'runs/b/ADV'],
    ['a/LLR', 'b/LLR', 'b/ADV'],
  ],
  [
    ['x', 'x'],
    ['x', 'x'],
  ],
])('%j are called %j', (paths, names) => {
  expect(shortNames(paths)).toEqual(names);
});
