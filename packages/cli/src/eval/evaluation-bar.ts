import { type Accuracy, accuracyOf, type OnProgress } from '@llr/attacks';
import type { Output } from '../output.ts';
import { percent } from '../percent.ts';

/** The progress of an evaluation as a bar: tries, the attack at work, and how robust the network is so far. */
export function evaluationBar(name: string, out: Output): { onProgress: OnProgress; done(): void } {
  const bar = out.bar(`${name}: attacking`, 'tries');
  return {
    onProgress: ({ attack, done, total, settled, examples, robust }) => {
      const soFar: Accuracy | undefined = settled > 0 ? accuracyOf(robust, settled) : undefined;
      const detail = soFar
        ? `${attack} | robust so far ${percent(soFar)} (${settled.toLocaleString('en')} of ${examples.toLocaleString('en')} settled)`
        : attack;
      bar.update(done, total, detail);
    },
    done: () => bar.done(),
  };
}
