import {
  adversarialTraining,
  llr,
  localLinearity,
  type NominalPass,
  type RecordedStatistics,
  type TrainContext,
} from '@llr/core';
import { stopGradient } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import {
  add,
  dispose,
  engine,
  getBackend,
  mean,
  mul,
  type Scalar,
  type Tensor1D,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfiguredClassifier, loadWeights, smallConvNet, wideResNet } from '../src/index.ts';
import {
  type Batch,
  batchOf,
  contextOf,
  fixturePath,
  nominalPass,
  type OracleFixture,
  oracleFixture,
  parameterGradients,
  relativeError,
} from './oracle-fixture.ts';

const tolerance = 1e-4;
const models = { 'wrn-10-1': wideResNet, 'small-conv-net': smallConvNet };

// float64 PyTorch against float32 here, on the engine under test; the slow reference engine runs the small network.
describe.each([
  { name: 'wrn-10-1', prefer: undefined },
  { name: 'small-conv-net', prefer: undefined },
  { name: 'small-conv-net', prefer: 'cpu' },
] as const)('$name against PyTorch (engine: $prefer)', ({ name, prefer }) => {
  let model: ConfiguredClassifier;
  let fixture: OracleFixture;
  let batch: Batch;
  let before: string;

  beforeAll(async () => {
    before = getBackend();
    if (prefer) await useEngine({ prefer });
    fixture = await oracleFixture(name);
    model = models[name](fixture.config as never);
    await loadWeights(model, fixturePath(`${name}.weights.safetensors`));
    batch = batchOf(fixture);
  });
  afterAll(async () => {
    model.dispose();
    dispose(batch);
    await engine().setBackend(before);
  });

  const llrObjective = (change: (pass: NominalPass) => NominalPass = (pass) => pass) => {
    const { lambda, mu, nominalWeight } = fixture;
    const regularizer = llr({ lambda, mu, nominalWeight });
    const nominal = change(nominalPass(model, batch));
    const penalty = regularizer.penalty(contextOf(model, batch, nominal), batch);
    return mean(add(mul(nominal.loss, nominalWeight), penalty)) as Scalar;
  };

  const worstGradient = (prefix: string, objective: () => Scalar) =>
    tidy(() => {
      const { gradients } = parameterGradients(model, objective);
      return Math.max(
        ...gradients.map(({ name: parameter, gradient }) => {
          const expected = fixture.arrays.get(`${prefix}/${parameter}`)!;
          expect(gradient.shape, parameter).toEqual(expected.shape);
          return relativeError(gradient, expected.values);
        }),
      );
    });

  it('gives the same logits', () => {
    tidy(() => {
      const { logits, inputGradient } = nominalPass(model, batch);
      const { logits: running } = model.forward(batch.images, 'running');
      expect(relativeError(logits, fixture.logits)).toBeLessThan(tolerance);
      expect(relativeError(running, fixture.runningLogits)).toBeLessThan(tolerance);
      const expected = fixture.arrays.get('inputGradient')!.values;
      expect(relativeError(inputGradient, expected)).toBeLessThan(tolerance);
    });
  });

  it('records the same batch statistics', () => {
    tidy(() => {
      const { recorded } = nominalPass(model, batch);
      const layers = Object.entries(recorded === 'running' ? {} : recorded);
      const paths = layers.flatMap(([layer, statistics]) =>
        Object.entries(statistics).map(([part, value]) => {
          const path = `recorded/${layer}/${part}`;
          const expected = fixture.arrays.get(path)!.values;
          expect(relativeError(value, expected), path).toBeLessThan(tolerance);
          return path;
        }),
      );
      const expected = [...fixture.arrays.keys()].filter((path) => path.startsWith('recorded/'));
      expect(paths.sort()).toEqual(expected.sort());
    });
  });

  it('gives the same losses, directional derivative and linearity error', () => {
    tidy(() => {
      const { recorded } = nominalPass(model, batch);
      const found = localLinearity({ ...batch, logits: model.freeze(recorded) });
      for (const quantity of ['loss', 'lossPerturbed', 'directional'] as const) {
        expect(relativeError(found[quantity], fixture[quantity])).toBeLessThan(tolerance);
      }
      // g is a small difference of losses, and as exact as the losses are.
      const error = found.error.dataSync();
      for (const [row, expected] of fixture.error.entries()) {
        const largest = Math.max(fixture.loss[row]!, fixture.lossPerturbed[row]!);
        expect(Math.abs(error[row]! - expected) / largest).toBeLessThan(tolerance);
      }
    });
  });

  it('gives the same LLR objective and the same gradient for every parameter', () => {
    const objective = tidy(() => llrObjective().dataSync()[0]!);
    expect(Math.abs(objective / fixture.llrObjective - 1)).toBeLessThan(tolerance);
    expect(worstGradient('llr', () => llrObjective())).toBeLessThan(tolerance);
  });

  it('gives the same adversarial objective and the same gradient for every parameter', () => {
    const objective = () => {
      const context = contextOf(model, batch, {} as TrainContext['nominal']);
      return mean(adversarialTraining().penalty(context, batch)) as Scalar;
    };
    const value = tidy(() => objective().dataSync()[0]!);
    expect(Math.abs(value / fixture.advObjective - 1)).toBeLessThan(tolerance);
    expect(worstGradient('adv', objective)).toBeLessThan(tolerance);
  });

  it('would notice a missing path of the gradient', () => {
    const without = (changed: (pass: NominalPass) => Partial<NominalPass>) =>
      worstGradient('llr', () => llrObjective((pass) => ({ ...pass, ...changed(pass) })));
    expect(
      without((pass) => ({ inputGradient: stopGradient(pass.inputGradient) })),
    ).toBeGreaterThan(1e-2);
    expect(without((pass) => ({ loss: stopGradient(pass.loss) }))).toBeGreaterThan(1e-2);
    if (model.statistics === 'running') return;
    expect(without((pass) => ({ recorded: constant(pass.recorded) }))).toBeGreaterThan(1e-2);
  });
});

function constant(recorded: RecordedStatistics | 'running') {
  if (recorded === 'running') return recorded;
  const stop = (tensor: Tensor1D) => stopGradient(tensor);
  return Object.fromEntries(
    Object.entries(recorded).map(([layer, { mean, variance }]) => [
      layer,
      { mean: stop(mean), variance: stop(variance) },
    ]),
  );
}
