import { gather, tensor, tidy, unsortedSegmentSum } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useEngine } from '../src/node.ts';

beforeAll(async () => {
  await useEngine({ prefer: 'wasm' });
});

const x = () =>
  tensor(
    Array.from({ length: 24 }, (_, i) => i),
    [2, 3, 4],
  );

test('gather with batch dimensions takes the entries of each row', () => {
  tidy(() => {
    const labels = tensor([[2], [0]], [2, 1], 'int32');
    const rows = gather(x(), labels, 1, 1);
    expect(rows.shape).toEqual([2, 1, 4]);
    expect(Array.from(rows.dataSync())).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
    const columns = gather(x(), labels, 2, 1);
    expect(columns.shape).toEqual([2, 3, 1]);
    expect(Array.from(columns.dataSync())).toEqual([2, 6, 10, 12, 16, 20]);
  });
});

test('unsortedSegmentSum adds the rows of a segment, and refuses a segment that is not there', () => {
  const sums = (segments: number[]) =>
    tidy(() =>
      Array.from(
        unsortedSegmentSum(
          tensor([1, 2, 3, 4, 5, 6], [3, 2]),
          tensor(segments, [3], 'int32') as never,
          3,
        ).dataSync(),
      ),
    );
  expect(sums([1, 0, 1])).toEqual([3, 4, 6, 8, 0, 0]);
  expect(() => sums([0, 3, 1])).toThrow('not in [0, 2]');
});
