import { evaluate, pgd } from '@llr/attacks';
import { linfBall } from '@llr/core';
import { openData, subset } from '@llr/datasets';
import { useEngine } from '@llr/engine/node';
import { loadModel } from '@llr/models';
import { nes } from './nes.ts';
import { odiPgd } from './odi-pgd.ts';

await useEngine();
const { robust, attacks, warnings } = await evaluate({
  classifier: await loadModel('runs/custom-attack/adversarial/model'),
  data: subset(await openData('fashion-mnist').open('test'), { size: 64 }),
  batchSize: 64,
  // Each tries all images, so that its accuracy is its own.
  attacks: [pgd({ stepSize: 0.02, steps: 20, restarts: 3 }), odiPgd(), nes()],
  activeSet: 'within-attack',
  threat: linfBall(0.1),
  seed: 0,
});
for (const { name, accuracy } of attacks) {
  console.log(`${name}: ${accuracy.correct} of ${accuracy.total} still right`);
}
console.log(`under all of them: ${robust.correct} of ${robust.total}`);
for (const { message } of warnings) console.log(message);
