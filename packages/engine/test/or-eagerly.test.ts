import { expect, it, vi } from 'vitest';
import { NotCompilableError, orEagerly } from '../src/index.ts';

it('runs the compiled function until it turns out that there is none, and says so once', () => {
  const compiled = vi.fn((n: number) => {
    if (n === 3) throw new NotCompilableError('it reads');
    return -n;
  });
  const reasons: string[] = [];
  const run = orEagerly(
    compiled,
    (n) => 10 * n,
    ({ message }) => reasons.push(message),
  );
  expect([1, 2, 3, 4].map((n) => run(n))).toEqual([-1, -2, 30, 40]);
  expect(compiled).toHaveBeenCalledTimes(3);
  expect(reasons).toEqual(['it reads']);
});

it('lets any other error through', () => {
  const failing = () => {
    throw new Error('something else');
  };
  const run = orEagerly(
    failing,
    () => 1,
    () => {},
  );
  expect(run).toThrow('something else');
  expect(run).toThrow('something else');
});
