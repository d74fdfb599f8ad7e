import { grad, memory, mul, scalar, square, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { inputGradient, withOuterGradient, withoutGradient } from '../src/index.ts';

const at3 = (f: (x: Tensor) => Tensor) => tidy(() => grad(f)(scalar(3)).dataSync()[0]);

describe('withoutGradient', () => {
  it('makes constants for the gradients around it', () => {
    // x · x² with x² constant.
    expect(
      at3((x) =>
        mul(
          x,
          withoutGradient(() => square(x)),
        ),
      ),
    ).toBeCloseTo(9, 4);
  });

  it('may take gradients of its own', () => {
    const slope = (x: Tensor) => inputGradient((z) => ({ value: square(z) }), x).gradient;
    expect(at3((x) => mul(x, slope(x)))).toBeCloseTo(12, 4);
    expect(
      at3((x) =>
        mul(
          x,
          withoutGradient(() => slope(x)),
        ),
      ),
    ).toBeCloseTo(6, 4);
  });

  it('goes on recording after it, also when it throws', () => {
    const failing = () =>
      withoutGradient(() => {
        throw new Error('no');
      });
    expect(
      at3((x) => {
        expect(failing).toThrow('no');
        return square(x);
      }),
    ).toBeCloseTo(6, 4);
  });
});

describe('withOuterGradient', () => {
  it('records for the gradients around withoutGradient', () => {
    expect(
      at3((x) =>
        mul(
          x,
          withoutGradient(() => withOuterGradient(() => square(x))),
        ),
      ),
    ).toBeCloseTo(27, 4);
  });

  it('is recorded inside a gradient that withoutGradient takes, without being part of it', () => {
    let shared: Tensor | undefined;
    const found = at3((x) => {
      const inner = withoutGradient(
        () =>
          inputGradient((z) => {
            shared = withOuterGradient(() => square(x));
            return { value: mul(z, shared), extra: { shared } };
          }, scalar(1)).gradient,
      );
      expect(inner.dataSync()[0]).toBeCloseTo(9, 4);
      return mul(shared!, inner);
    });
    expect(found).toBeCloseTo(6 * 9, 3);
  });

  it('just runs anywhere else, and leaves no tensor', () => {
    const before = memory().numTensors;
    expect(at3((x) => withOuterGradient(() => square(x)))).toBeCloseTo(6, 4);
    expect(
      at3((x) =>
        mul(
          x,
          withoutGradient(() => withOuterGradient(() => square(x))),
        ),
      ),
    ).toBe(27);
    expect(memory().numTensors).toBe(before);
  });
});
