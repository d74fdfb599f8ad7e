import { crossEntropy, projectedAscent, sign, linfBall, llr, randomSource } from '@llr/core';
import { compile, program, withoutGradient, withConvolutionPrecision } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import { wideResNet } from '@llr/models';
import * as tf from '@tensorflow/tfjs-core';
import { createTrainContext } from './src/context.ts';
await useEngine();
import { dumpNodes } from './dump.mts';
if (process.env.DUMP) dumpNodes();
const B = +(process.env.B ?? 32), M = +(process.env.M ?? 10), D = +(process.env.D ?? 16), K = +(process.env.K ?? 4);
const model = wideResNet({ depth: D, widthFactor: K, numClasses: 10 });
const images = tf.randomUniform([B, 32, 32, 3]) as tf.Tensor4D;
const labels = tf.tensor1d(Array.from({ length: B }, (_, i) => i % 10), 'int32');
const start = tf.randomUniform([B, 32, 32, 3], -8 / 255, 8 / 255) as tf.Tensor4D;
const prec = (process.env.BF ? 'bfloat16' : 'float32') as 'float32';
const reg = llr({ lambda: 4, mu: 3, maximizer: { name: 'x', maximize: (p, o) => withConvolutionPrecision(prec, () => projectedAscent({ optimizer: sign(), stepSize: 0.1, steps: M }).maximize({ ...p, start: st }, o)) } });
let st: tf.Tensor4D = start;
const vars = model.parameters.map(p => p.variable);
const stepFn = (images: tf.Tensor4D, labels: tf.Tensor1D, start: tf.Tensor4D, eps: tf.Tensor1D) => {
  st = start;
  const batch = { images, labels, indices: new Int32Array(B) };
  const { value, grads } = tf.variableGrads(() => {
    const ctx = createTrainContext({ classifier: model, batch, threat: linfBall(eps), random: randomSource(0), step: tf.scalar(0), epoch: tf.scalar(0), loss: crossEntropy });
    ctx.nominal.inputGradient;
    const found = withoutGradient(() => reg.search!(ctx));
    const pen = reg.penalty(ctx, found);
    const total = tf.add(tf.mul(2, tf.mean(ctx.nominal.loss)), tf.mean(pen));
    return total as tf.Scalar;
  }, vars);
  for (const v of vars) v.assign(tf.sub(v, tf.mul(1e-4, grads[v.name]!)));
  return { value };
};
const eps = tf.tensor1d([8 / 255]);
const mode = process.env.MODE ?? 'graph';
const run = mode === 'eager' ? (...a: Parameters<typeof stepFn>) => tf.tidy(() => stepFn(...a)) : mode === 'compile' ? compile(stepFn) : program({ state: vars, functions: { stepFn } }).functions.stepFn;
const t0 = Date.now();
for (let i = 0; i < +(process.env.R ?? 4); i++) {
  const t = process.hrtime.bigint(), c = process.cpuUsage();
  const r = run(images, labels, start, eps);
  const v = (r as any).value.dataSync()[0];
  (r as any).value.dispose();
  const c1 = process.cpuUsage(c);
  console.log(mode, 'loss', v, 's', (Number(process.hrtime.bigint() - t) / 1e9).toFixed(2), 'cpu', ((c1.user + c1.system) / 1e6).toFixed(2), 'tensors', tf.memory().numTensors);
}
console.log(require_('fs').readFileSync('/proc/self/status', 'utf8').match(/VmHWM.*/)[0]);
function require_(n: string): any { return process.getBuiltinModule(n as any); }
