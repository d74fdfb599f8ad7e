import { fromArrays, type IndexedSource } from './from-arrays.ts';
import { optionalPackage } from './optional-package.ts';
import { assertSplit, type Split } from './split.ts';

/**
 * Fashion-MNIST (Xiao et al. 2017): 28 × 28 × 1, ten classes; the first 20,000 training images, or all
 * 10,000 test images. Not augmented. Needs the package `@llr/fashion-mnist`, which holds the images.
 *
 * @throws when `@llr/fashion-mnist` is not installed, with the command that installs it, or is damaged
 */
export async function fashionMnist({ split }: { split: Split }): Promise<IndexedSource> {
  assertSplit('fashion-mnist', split);
  const { loadFashionMnist } = await optionalPackage(
    '@llr/fashion-mnist',
    () => import('@llr/fashion-mnist'),
  );
  const { images, labels, height, width, classNames } = loadFashionMnist(split);
  return fromArrays({
    name: 'fashion-mnist',
    split,
    inputShape: [height, width, 1],
    classNames,
    images,
    labels,
  });
}
