import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
// @ts-expect-error: a plain script, without types
import { compare } from '../bench/agreement.mjs';
// @ts-expect-error: a plain script, without types
import { parseArguments } from '../bench/arguments.mjs';
// @ts-expect-error: a plain script, without types
import { medianRatio } from '../bench/rounds.mjs';
// @ts-expect-error: a plain script, without types
import { readArrays, writeArrays } from '../bench/safetensors.mjs';

const array = (...values: number[]) => ({
  shape: [values.length],
  values: Float32Array.from(values),
});

const tolerance = 1e-4;

describe('agreement', () => {
  const reference = { loss: array(3, 4), found: array(0.1, -0.1, 0.1, -0.1) };

  test('a quantity off by more than the tolerance, relative to its norm, is named', () => {
    const by = (error: number) =>
      compare({ ...reference, loss: array(3, 4 + 5 * error) }, reference, tolerance).problems;
    expect(by(0.9 * tolerance)).toEqual([]);
    expect(by(1.1 * tolerance)).toEqual([expect.stringMatching(/^loss is 1\.1e-4 off$/)]);
  });

  test('a quantity that is missing, of another size, unknown or not a number is a problem', () => {
    const problems = (found: object) => compare(found, reference, tolerance).problems.length;
    expect(problems(reference)).toBe(0);
    expect(problems({ found: reference.found })).toBe(1);
    expect(problems({ ...reference, loss: array(3) })).toBe(1);
    expect(problems({ ...reference, loss: array(3, Number.NaN) })).toBe(1);
    expect(problems({ ...reference, other: array(1) })).toBe(1);
  });

  test('entries of δ that differ are counted, and no problem', () => {
    const found = array(0.1, 0.1, 0.1, -0.1);
    const { differing, problems } = compare({ ...reference, found }, reference, tolerance);
    expect({ differing, problems }).toEqual({ differing: 0.25, problems: [] });
  });
});

test('a ratio is the median over the rounds that both took part in', () => {
  const steps = (...seconds: (number | undefined)[]) =>
    seconds.flatMap((each, round) => (each === undefined ? [] : [{ round, seconds: each }]));
  // The machine was slow in the last round, for both.
  expect(medianRatio(steps(2, 3, 40), steps(1, 2, 10))).toBe(2);
  expect(medianRatio(steps(undefined, 3), steps(1, 2, 10))).toBe(1.5);
  expect(medianRatio(steps(undefined, 3), steps(1))).toBeUndefined();
});

test('arrays come back from a file as they were', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llr-bench-test-'));
  const arrays = { ä: array(1, -0, 1e-40), 'b/c': { ...array(1, 2, 3, 4), shape: [2, 2] } };
  writeArrays(join(folder, 'a.safetensors'), arrays);
  expect(readArrays(join(folder, 'a.safetensors'))).toEqual(arrays);
  rmSync(folder, { recursive: true });
});

describe('arguments', () => {
  test('what is slow, or there to try the bench, runs only when it is named', () => {
    const names = (of: { name: string }[]) => of.map(({ name }) => name);
    const { variants, workloads, rounds } = parseArguments([]);
    expect(names(variants)).not.toContain('ours-wasm');
    expect(names(workloads)).toEqual(['wrn-16-4', 'wrn-28-8', 'pgd']);
    expect(rounds).toBe(10);
    const asked = parseArguments(['--only', 'jax,ours-wasm', '--workload', 'tiny', '--quick']);
    expect(names(asked.variants)).toEqual(['ours-wasm', 'jax']);
    expect(names(asked.workloads)).toEqual(['tiny']);
    expect(asked.rounds).toBe(3);
  });

  test.each([
    [['--only', 'tf'], /knows no "tf"; there are ours-graph/],
    [['--rounds', '0'], /--rounds takes a whole number of 1 or more; got 0/],
    [['--threads', '100000'], /more than the \d+ processors/],
    [['--layout', 'nhwc'], /one of nchw, channels_last/],
    [['--fast'], /--fast/],
  ])('%s is refused', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
  });
});
