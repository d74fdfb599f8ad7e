import { readFile } from 'node:fs/promises';
import {
  describeAgainstOracle,
  engines,
  type OracleSubject,
} from '../../core/test/oracle-checks.ts';
import { type ConfiguredClassifier, loadWeights, smallConvNet, wideResNet } from '../src/index.ts';
import { decodeSafetensors } from '../src/weights/safetensors.ts';
import { fixturePath } from './oracle-fixture.ts';

async function subjectOf(
  name: string,
  create: (config: never) => ConfiguredClassifier,
): Promise<OracleSubject> {
  const values = JSON.parse(await readFile(fixturePath(`${name}.json`), 'utf8'));
  const parts = ['expected', 'mathematics'].map(async (part) => {
    const file = `${name}.${part}.safetensors`;
    return [...decodeSafetensors(await readFile(fixturePath(file)), file)];
  });
  const model = create(values.config as never);
  await loadWeights(model, fixturePath(`${name}.weights.safetensors`));
  return {
    values,
    arrays: new Map((await Promise.all(parts)).flat()),
    parameters: model.parameters,
    forward: (images, use) =>
      model.forward(images, model.statistics === 'running' ? 'running' : use),
    logits: (images) => model.forward(images, 'running').logits,
    dispose: () => model.dispose(),
  };
}

for (const engine of engines) {
  describeAgainstOracle('the small network', engine, () =>
    subjectOf('small-conv-net', smallConvNet),
  );
  // The reference engine would take minutes for this one.
  if (engine === 'cpu') continue;
  describeAgainstOracle('WRN-10-1', engine, () => subjectOf('wrn-10-1', wideResNet));
}
