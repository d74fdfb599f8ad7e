import { expect, test } from 'vitest';
import { imageNetLists } from '../src/imagenet/lists.ts';

test('the 1,000 classes are sorted and named', async () => {
  const { wnids, classNames, labelOf } = await imageNetLists();
  expect(wnids).toHaveLength(1000);
  expect(wnids).toEqual([...new Set(wnids)].sort());
  expect(classNames).toHaveLength(1000);
  expect([wnids[0], wnids[999]]).toEqual(['n01440764', 'n15075141']);
  // Well-known places in the order.
  expect([0, 22, 243, 281, 949, 999].map((label) => classNames[label])).toEqual([
    'tench',
    'bald eagle',
    'bull mastiff',
    'tabby',
    'strawberry',
    'toilet tissue',
  ]);
  expect(labelOf.get('n02123045')).toBe(281);
});

test('the validation labels are those of the published list, 50 of each class', async () => {
  const { validationLabels } = await imageNetLists();
  expect(validationLabels).toHaveLength(50_000);
  expect([...validationLabels.subarray(0, 5)]).toEqual([65, 970, 230, 809, 516]);
  const counts = new Map<number, number>();
  for (const label of validationLabels) counts.set(label, (counts.get(label) ?? 0) + 1);
  expect(new Set(counts.values())).toEqual(new Set([50]));
  expect(counts.size).toBe(1000);
});
