import { createHash } from 'node:crypto';
import { loadFashionMnist } from '@llr/fashion-mnist';
import { expect, it } from 'vitest';

const train = loadFashionMnist('train');
const test = loadFashionMnist('test');

const countPerClass = (labels: Uint8Array) =>
  Array.from({ length: 10 }, (_, label) => labels.filter((found) => found === label).length);

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

const pixelMean = (images: Uint8Array) =>
  images.reduce((sum, value) => sum + value, 0) / images.length / 255;

it('has 20,000 training and 10,000 test images of 28 × 28', () => {
  expect(train).toMatchObject({ count: 20_000, height: 28, width: 28 });
  expect(test).toMatchObject({ count: 10_000, height: 28, width: 28 });
  expect(train.images).toHaveLength(20_000 * 28 * 28);
  expect(test.images).toHaveLength(10_000 * 28 * 28);
  expect(train.labels).toHaveLength(20_000);
  expect(test.labels).toHaveLength(10_000);
});

it('holds the bytes of the original files', () => {
  // Of the original IDX files without their headers, cut after 20,000 items; taken with gunzip and md5sum.
  expect(md5(train.images)).toBe('42e5f9f2380c6b56115f109daada5348');
  expect(md5(train.labels)).toBe('cc04a1da06fdd17d15bfcb5ee97e38d4');
  expect(md5(test.images)).toBe('b7656a891b218fc13e45205c48a92cae');
  expect(md5(test.labels)).toBe('8dea97a4e78c1bd1b5a6e8efbb870b6e');
});

it('has every class: exactly 1,000 times in the test set', () => {
  expect(countPerClass(test.labels)).toEqual(Array(10).fill(1000));
  expect(countPerClass(train.labels)).toEqual([
    1935, 2025, 1982, 2011, 1967, 2010, 2068, 2003, 1971, 2028,
  ]);
});

it('names the classes by the labels of the first test images', () => {
  const labels = [9, 2, 1, 1, 6, 1, 4, 6, 5, 7, 4, 5, 7, 3, 4, 1, 2, 4, 8, 0];
  expect([...test.labels.subarray(0, 20)]).toEqual(labels);
  expect(test.classNames).toHaveLength(10);
  expect(test.classNames[test.labels[0]!]).toBe('Ankle boot');
  expect(test.classNames[test.labels[1]!]).toBe('Pullover');
  expect(test.classNames[test.labels[2]!]).toBe('Trouser');
});

it('has the published brightness', () => {
  // 0.2860 is the mean of all 60,000 training images, as in PyTorch's usual normalisation.
  expect(pixelMean(train.images)).toBeCloseTo(0.286, 2);
  expect(pixelMean(test.images)).toBeCloseTo(0.286, 2);
});

it('gives every caller arrays of its own', () => {
  const mine = loadFashionMnist('test');
  mine.labels.fill(0);
  mine.images.fill(0);
  expect(loadFashionMnist('test').labels[0]).toBe(9);
  expect(loadFashionMnist('test').images.some((value) => value > 0)).toBe(true);
});

it('refuses another split', () => {
  expect(() => loadFashionMnist('validation' as 'test')).toThrow(
    "Fashion-MNIST has the splits 'train' and 'test'; got 'validation'.",
  );
});
