import { accuracyOf, type EvaluationProgress, type OnProgress } from '@llr/attacks';
import type { Output } from '../output.ts';
import { percent } from '../percent.ts';

/** The progress of an evaluation as a bar: tries, the attack at work, and how robust the network is so far. */
export function evaluationBar(name: string, out: Output): { onProgress: OnProgress; done(): void } {
  const bar = out.bar(`${name}: attacking`, 'tries');
  return {
    onProgress: (progress) => {
      const { attack, done, total, settled } = progress;
      bar.update(done, total, settled > 0 ? `${attack} | ${robustSoFar(progress)}` : attack);
    },
    done: () => bar.done(),
  };
}

/** What is broken is settled sooner than what is robust, so the share of the settled tends to be below the share in the end. */
function robustSoFar({ settled, examples, robust }: EvaluationProgress): string {
  const count = (number: number) => number.toLocaleString('en');
  const soFar = `robust: ${percent(accuracyOf(robust, settled))} of ${count(settled)}`;
  if (settled === examples) return soFar;
  const most = (100 * (examples - settled + robust)) / examples;
  return `${soFar} settled, at most ${most.toFixed(1)} % of all ${count(examples)}`;
}
