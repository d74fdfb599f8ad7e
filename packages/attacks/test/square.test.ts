import { fromFunction, l2Ball, linfBall, type Problem, type ThreatModel } from '@llr/core';
import {
  add,
  customGrad,
  dispose,
  floor,
  getBackend,
  memory,
  mul,
  type NamedTensorMap,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { compileAscents } from '../src/compiled-ascent.ts';
import { evaluate, square } from '../src/index.ts';
import {
  type Example,
  examplesFor,
  linear,
  mlp,
  numbers,
  type Shape,
  sourceOf,
} from './helpers.ts';
import { disposeProblem, problemOf } from './problems.ts';
import { advanced, atStages, begun, finished, rowsOf } from './staged.ts';

const shape: Shape = [6, 7, 2];
const pixels = 84;
const net = mlp(3, shape, 8, 4);
const { classifier } = net;
afterAll(() => void net.dispose());

const balls = [
  ['linf', linfBall(0.05)],
  ['l2', l2Ball(0.4)],
] as const;

const disposeState = (state: NamedTensorMap) => dispose(state as { [name: string]: Tensor });

describe('allowed', () => {
  const upTo = (min: number, max: number) => fc.float({ min, max, noNaN: true });
  const example = (largest: number) =>
    fc.record({
      image: fc.array(fc.oneof(fc.constantFrom(0, 1), upTo(0, 1)), {
        minLength: pixels,
        maxLength: pixels,
      }),
      label: fc.integer({ min: 0, max: 3 }),
      epsilon: fc.oneof(fc.constantFrom(0, 1e-6, largest), upTo(0, largest)),
    });

  test.each([
    ['linf', linfBall, 1],
    ['l2', l2Ball, 8],
  ] as const)(
    'in the ball and in the box after every stage, with a radius for each example: %s',
    (_, ball, largest) => {
      const attack = square({ queries: 60 });
      const examples = fc.array(example(largest), { minLength: 1, maxLength: 4 });
      const property = fc.property(examples, fc.nat(1000), (drawn, seed) => {
        tidy(() => {
          const images = drawn.map(({ image, label }, index) => ({
            index,
            label,
            image: Float32Array.from(image),
          }));
          const posed = problemOf(classifier, images, ball(drawn.map(({ epsilon }) => epsilon)));
          const check = ({ perturbation }: NamedTensorMap) => {
            const sizes = posed.threat.size(perturbation as Tensor4D).dataSync();
            rowsOf(perturbation!).forEach((delta, b) => {
              const { epsilon, image } = drawn[b]!;
              expect(sizes[b]).toBeLessThanOrEqual(epsilon * (1 + 1e-5) + 1e-6);
              delta.forEach((value, at) => {
                expect(image[at]! + value).toBeGreaterThanOrEqual(-1e-7);
                expect(image[at]! + value).toBeLessThanOrEqual(1 + 1e-7);
              });
              if (epsilon === 0) expect(delta.every((value) => value === 0)).toBe(true);
            });
          };
          finished(attack, posed, check, { seed });
        });
      });
      fc.assert(property, { numRuns: 6 });
    },
  );
});

describe.each(balls)('in %s', (norm, threat) => {
  const examples = examplesFor(classifier, 5, 8);

  test('the margin never falls, and is that of the perturbation', () => {
    tidy(() => {
      const posed = problemOf(classifier, examples, threat);
      const margins: number[][] = [];
      finished(square({ queries: 150 }), posed, (state) => {
        const found = rowsOf(state.margin!).flat();
        const logits = rowsOf(
          posed.logits(add(posed.images, state.perturbation as Tensor4D) as Tensor4D),
        );
        logits.forEach((row, b) => {
          const { label } = examples[b]!;
          const others = row.filter((_, k) => k !== label);
          expect(found[b]).toBeCloseTo(Math.max(...others) - row[label]!, 4);
        });
        margins.push(found);
      });
      expect(margins).toHaveLength(4);
      margins.slice(1).forEach((row, stage) => {
        row.forEach((margin, b) => {
          expect(margin).toBeGreaterThanOrEqual(margins[stage]![b]!);
        });
      });
      const risen = margins.at(-1)!.filter((margin, b) => margin > margins[0]![b]!);
      expect(risen.length).toBeGreaterThan(4);
    });
  });

  test('an image once misclassified keeps its perturbation for the rest of the stage', () => {
    tidy(() => {
      const posed = problemOf(classifier, examples, threat);
      const state = begun(square({ queries: 50 }), posed);
      const before = rowsOf(state.margin!).flat();
      const end = advanced(square({ queries: 50 }), posed, state, 0);
      const asked = rowsOf(end.queries!).flat();
      const margins = rowsOf(end.margin!).flat();
      const broken = asked.flatMap((count, b) => (count < 50 ? [b] : []));
      expect(broken.length).toBeGreaterThan(0);
      expect(broken.length).toBeLessThan(8);
      for (const [b, margin] of margins.entries()) {
        expect(asked[b]! < 50).toBe(margin > Math.max(0, before[b]!));
      }
    });
  });

  test('an image that comes back misclassified was not misclassified enough', () => {
    tidy(() => {
      const posed = problemOf(classifier, examples, threat);
      const first: number[] = [];
      let broken = 0;
      let further = 0;
      const last = finished(square({ queries: 150 }), posed, (state) => {
        rowsOf(state.margin!).forEach(([margin], b) => {
          if (margin! > 0) first[b] ??= margin!;
        });
      });
      rowsOf(last.margin!).forEach(([margin], b) => {
        if (first[b] === undefined) return;
        broken++;
        if (margin! > first[b]) further++;
      });
      expect(broken).toBeGreaterThan(2);
      expect(further).toBeGreaterThan(broken / 2);
    });
  });

  test('asks as often as it was told, of each example that holds', () => {
    tidy(() => {
      // Never to be misclassified.
      const sure = linear(1, shape, 2);
      const logits = (images: Tensor4D) =>
        add(sure.classifier.freeze('running')(images), tensor1d([1000, 0])) as never;
      let asked = 0;
      const counted: Problem['logits'] = (images) => {
        asked++;
        return logits(images);
      };
      const held = examples.map((example) => ({ ...example, label: 0 }));
      const posed = { ...problemOf(classifier, held, threat), logits: counted };
      for (const queries of [1, 50, 51, 103]) {
        asked = 0;
        const attack = square({ queries });
        const { queries: done } = finished(attack, posed);
        expect(rowsOf(done!).flat()).toEqual(Array(8).fill(queries));
        // The first, and what fills the last stage.
        expect(asked - 1 - queries).toBeGreaterThanOrEqual(0);
        expect(asked - 1 - queries).toBeLessThan(attack.stages);
      }
      sure.dispose();
    });
  });

  test('needs nothing but logits: a gradient that throws, or none that could be taken', () => {
    tidy(() => {
      const forbidden = customGrad((x) => {
        const gradFunc = () => {
          throw new Error('A black-box attack took a gradient.');
        };
        return { value: mul(x as Tensor4D, 1), gradFunc };
      });
      const smooth = classifier.freeze('running');
      for (const of of [forbidden, (x: Tensor4D) => floor(mul(x, 16)) as Tensor4D]) {
        const black = fromFunction((images) => smooth(of(images) as Tensor4D), {
          inputShape: shape,
          numClasses: 4,
        });
        const posed = problemOf(black, examples, threat);
        const margins: number[][] = [];
        finished(square({ queries: 50 }), posed, ({ margin }) =>
          margins.push(rowsOf(margin!).flat()),
        );
        const risen = margins[1]!.filter((margin, b) => margin > margins[0]![b]!);
        expect(risen.length).toBeGreaterThan(2);
      }
    });
    expect(square().access).toBe('black-box');
  });

  test.each(['eager', 'compiled'])(
    'a row depends on its own example and stage alone, to the bit: %s',
    (how) => {
      const release = compileAscents(classifier.freeze('running'), ({ message }) => {
        throw new Error(message);
      });
      if (how === 'eager') release();
      tidy(() => {
        const attack = square({ queries: 1000 });
        const radii = [0.02, 0.05, 0.1, 0.2];
        const ball = norm === 'linf' ? linfBall : l2Ball;
        const posedOf = (rows: readonly number[]) =>
          problemOf(
            classifier,
            rows.map((b) => examples[b]!),
            ball(rows.map((b) => radii[b]!)),
          );
        // Each state of each example, all in step.
        const together = posedOf([0, 1, 2, 3]);
        const states: number[][][] = [];
        const keep = (state: NamedTensorMap) => states.push(rowsOf(state.perturbation!));
        const saved: NamedTensorMap[] = [begun(attack, together)];
        keep(saved[0]!);
        for (let stage = 0; stage < 4; stage++) {
          saved.push(attack.advance(atStages(together, Array(4).fill(stage)), saved[stage]!));
          keep(saved.at(-1)!);
        }
        // In another order, each at a stage of its own.
        const order = [3, 0, 2, 1];
        const stages = [1, 3, 0, 2];
        const state = Object.fromEntries(
          Object.keys(saved[0]!).map((name) => {
            const values = order.flatMap((b, i) => rowsOf(saved[stages[i]!]![name]!)[b]!);
            const { shape, dtype } = saved[0]![name]!;
            const row =
              shape.length === 4
                ? tensor4d(values, [4, ...(shape.slice(1) as [number, number, number])])
                : tensor1d(values, dtype as 'int32');
            return [name, row];
          }),
        );
        const mixed = attack.advance(atStages(posedOf(order), stages), state);
        rowsOf(mixed.perturbation!).forEach((delta, i) => {
          expect(delta).toEqual(states[stages[i]! + 1]![order[i]!]);
        });
        expect(new Set(rowsOf(mixed.queries!).flat()).size).toBeGreaterThan(1);
      });
      if (how === 'compiled') release();
    },
  );

  test('another seed and another restart search elsewhere; the same do not', () => {
    tidy(() => {
      const posed = problemOf(classifier, examples, threat);
      const search = (options: { seed?: number; restart?: number }) =>
        rowsOf(finished(square({ queries: 60 }), posed, undefined, options).perturbation!);
      const found = search({});
      expect(search({})).toEqual(found);
      expect(search({ seed: 1 })).not.toEqual(found);
      expect(search({ restart: 1 })).not.toEqual(found);
    });
  });

  test('leaves no tensor behind but its state, and the state it was given alone', () => {
    const posed = problemOf(classifier, examples, threat);
    const attack = square({ queries: 120 });
    const before = memory().numTensors;
    const state = begun(attack, posed);
    expect(memory().numTensors).toBe(before + 3);
    const given = rowsOf(state.perturbation!);
    const next = attack.advance(atStages(posed, Array(8).fill(0)), state);
    expect(memory().numTensors).toBe(before + 6);
    expect(rowsOf(state.perturbation!)).toEqual(given);
    disposeState(state);
    disposeState(next);
    expect(memory().numTensors).toBe(before);
    disposeProblem(posed);
  });

  test('finds when compiled what it finds eagerly', () => {
    tidy(() => {
      const attack = square({ queries: 100 });
      const eager = (images: Tensor4D) => classifier.freeze('running')(images);
      let passes = 0;
      const logits: Problem['logits'] = (images) => {
        passes++;
        return eager(images);
      };
      const notes: string[] = [];
      const release = compileAscents(logits, ({ message }) => notes.push(message));
      const posed = problemOf(classifier, examples, threat);
      for (const seed of [0, 1]) {
        const expected: number[][][] = [];
        finished(attack, posed, ({ perturbation }) => expected.push(rowsOf(perturbation!)), {
          seed,
        });
        let stage = 0;
        const compare = ({ perturbation }: NamedTensorMap) => {
          rowsOf(perturbation!).forEach((delta, b) => {
            const by = expected[stage]![b]!;
            const gap = Math.max(...delta.map((value, at) => Math.abs(value - by[at]!)));
            expect(gap, `stage ${stage}, example ${b}`).toBeLessThan(1e-5);
          });
          stage++;
        };
        finished(attack, { ...posed, logits }, compare, { seed });
        // On graphs the network is recorded in the beginning and in the first stage, and never asked again.
        if (getBackend() === 'tensorflow') expect(passes).toBe(2);
        else expect(passes).toBe(101 * (seed + 1));
      }
      expect(notes).toEqual([]);
      release();
    });
  });
});

describe('against a linear classifier whose label is never lost', () => {
  const small: Shape = [5, 6, 1];
  const net = linear(2, small, 2);
  const weights = numbers(2, 60, -1, 1);
  const difference = (at: number) => weights[2 * at + 1]! - weights[2 * at]!;
  const image = numbers(9, 30, 0.3, 0.7);
  const held: Example[] = [{ index: 0, image, label: 0 }];
  afterAll(() => net.dispose());

  /** How much of the largest rise of the margin is found. */
  const shareFound = (threat: ThreatModel, largest: number, queries: number): number =>
    tidy(() => {
      const logits = (images: Tensor4D) =>
        add(net.classifier.freeze('running')(images), tensor1d([1000, 0])) as never;
      const posed = { ...problemOf(net.classifier, held, threat), logits };
      const [delta] = rowsOf(finished(square({ queries }), posed).perturbation!);
      return delta!.reduce((sum, value, at) => sum + value * difference(at), 0) / largest;
    });

  const l1 = image.reduce((sum, _, at) => sum + Math.abs(difference(at)), 0);
  const l2 = Math.sqrt(image.reduce((sum, _, at) => sum + difference(at) ** 2, 0));

  test('the best perturbation in ℓ∞ is found, the last row and column included', () => {
    expect(shareFound(linfBall(0.1), 0.1 * l1, 500)).toBeGreaterThan(0.9999);
  });

  test('in ℓ2 the more queries the nearer to the best perturbation', () => {
    const shares = [25, 100, 400].map((queries) => shareFound(l2Ball(0.5), 0.5 * l2, queries));
    expect(shares[0]).toBeLessThan(shares[1]!);
    expect(shares[1]).toBeLessThan(shares[2]!);
    expect(shares[2]).toBeGreaterThan(0.7);
    expect(shares[2]).toBeLessThan(1 + 1e-5);
  });

  test('no query in ℓ∞ is wasted on what it has already', () => {
    tidy(() => {
      let best = { image: '', margin: Number.NEGATIVE_INFINITY };
      let queries = 0;
      const logits = (images: Tensor4D) => {
        const found = net.classifier.freeze('running')(images);
        const [[own, other]] = rowsOf(found) as [[number, number]];
        const image = rowsOf(images)[0]!.join();
        expect(image).not.toBe(best.image);
        if (other - own > best.margin) best = { image, margin: other - own };
        queries++;
        return add(found, tensor1d([1000, 0])) as never;
      };
      finished(square({ queries: 150 }), {
        ...problemOf(net.classifier, held, linfBall(0.1)),
        logits,
      });
      expect(queries).toBe(151);
    });
  });
});

test('an evaluation comes to the same whatever the order, the neighbours and the stages of the others', async () => {
  const examples = examplesFor(classifier, 5, 14);
  const outcomes = async (some: readonly Example[]) => {
    const {
      examples,
      warnings: _,
      ...found
    } = await evaluate({
      classifier,
      data: sourceOf(some, shape),
      attacks: [square({ queries: 110, restarts: 2 })],
      threat: linfBall(0.02),
      seed: 1,
      batchSize: 4,
    });
    expect(found.robust.correct).toBeLessThan(found.clean.correct);
    expect(found.robust.correct).toBeGreaterThan(0);
    return new Map(examples.map(({ index, brokenIn }) => [index, brokenIn['square-110']]));
  };
  const all = await outcomes(examples);
  expect(await outcomes([...examples].reverse())).toEqual(new Map([...all].reverse()));
  const few = await outcomes(examples.filter((_, at) => at % 3 > 0));
  for (const [index, run] of few) expect(run).toBe(all.get(index));
});

test('refuses what makes no sense', () => {
  for (const queries of [0, -1, 1.5, Number.NaN]) {
    expect(() => square({ queries })).toThrow('queries');
  }
  for (const restarts of [0, 1.5]) expect(() => square({ restarts })).toThrow('restarts');
  const posed = problemOf(classifier, examplesFor(classifier, 5, 2), {
    ...linfBall(0.1),
    name: 'l1',
  });
  expect(() => begun(square(), posed)).toThrow('"l1"');
  disposeProblem(posed);
});

test('has a run for each restart, and says what it was made with', () => {
  const attack = square({ restarts: 3, queries: 120 });
  expect(attack.runs(classifier).map(({ restart }) => restart)).toEqual([0, 1, 2]);
  expect(attack.name).toBe('square-120');
  expect(square().name).toBe('square-5000');
  expect(square({ name: 'mine' }).name).toBe('mine');
  expect(attack.settings).toEqual({ queries: 120, restarts: 3 });
});

test('a network that gives NaN shows in the margin', () => {
  tidy(() => {
    const broken = fromFunction((images) => mul(classifier.freeze('running')(images), Number.NaN), {
      inputShape: shape,
      numClasses: 4,
    });
    const posed = problemOf(broken, examplesFor(classifier, 5, 2), linfBall(0.1));
    const { margin } = finished(square({ queries: 10 }), posed);
    expect(rowsOf(margin!).flat()).toEqual([Number.NaN, Number.NaN]);
  });
});
