import { readFileSync } from 'node:fs';
import { memory, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type GradientErrors, gradientCheck } from '../src/gradient-check.ts';
import { useEngine } from '../src/node.ts';
import { engines, onTensorFlowIfAny, tensorFlow } from './engines.ts';
import { cases } from './second-order-cases.ts';

/*
 * Every op that a convolutional classifier and its losses use, differentiated once and twice, against
 * central differences of the function and of its gradient: in float32, those are themselves good to about
 * 1e-3 of the derivative here (rounding, and h²/6 times the third derivative). A path that is missed shows
 * as an error of 5 % or more.
 */
const tolerance = 2e-3;

const all = Object.entries(cases).flatMap(([op, uses]) =>
  Object.entries(uses).map(([use, found]) => ({ name: use ? `${op}: ${use}` : op, ...found })),
);

onTensorFlowIfAny();

for (const engine of engines) {
  describe(`on ${engine}`, () => {
    beforeAll(async () => {
      await useEngine({ prefer: engine });
    });

    test.each(all)('$name', ({ f, at, refusedByTensorFlow }) => {
      if (engine === tensorFlow && refusedByTensorFlow) {
        expect(() => tidy(() => f(at()))).toThrow("supports only 'valid' and 'same' padding");
        return;
      }
      const before = memory().numTensors;
      const { first, second } = tidy(() => ({
        ...gradientCheck(f, at(), { step: 5e-3 }),
      })) as GradientErrors;
      expect(first).toBeLessThan(tolerance);
      expect(second).toBeLessThan(tolerance);
      expect(memory().numTensors).toBe(before);
    });
  });
}

test('the README lists the ops that are covered, and no others', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, chapter] = readme.split('### Ops covered at second order');
  const listed = chapter!
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (---|chapter)/.test(line))
    .flatMap((line) => Array.from(line.split('|')[2]!.matchAll(/`([^`]+)`/g), ([, op]) => op));
  expect(listed.toSorted()).toEqual(Object.keys(cases).toSorted());
});
