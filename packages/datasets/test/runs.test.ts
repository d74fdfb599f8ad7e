import fc from 'fast-check';
import { expect, it } from 'vitest';
import { placeInRuns, runStarts } from '../src/records/runs.ts';

it('finds the run of every record, empty runs passed over', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 20 });
  fc.assert(
    fc.property(lengths, (runs) => {
      const places = runs.flatMap((length, run) =>
        Array.from({ length }, (_, row) => ({ run, row })),
      );
      const starts = runStarts(runs);
      expect(places.map((_, index) => placeInRuns(starts, index))).toEqual(places);
      for (const index of [-1, places.length, Number.NaN]) {
        expect(() => placeInRuns(starts, index)).toThrow(
          new RangeError(`There is no record ${index}.`),
        );
      }
    }),
  );
});
