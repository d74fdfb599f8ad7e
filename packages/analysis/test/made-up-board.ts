import { accuracyOf } from '@llr/attacks';
import type { BoardEntry } from '../src/index.ts';

/** Of 100 images, so many are right; by default one attack at ε = 8/255 on CIFAR-10. */
export function entry(
  name: string,
  robust: number,
  { clean = 90, data = 'cifar10, test', epsilon = 8 / 255, ...more }: Made = {},
): BoardEntry {
  const { attacks = ['pgd-50'], warnings = [], ...rest } = more;
  return {
    name,
    architecture: 'wrn-28-8',
    evaluation: {
      classifier: 'wrn-28-8',
      classes: 10,
      data,
      threat: { name: 'linf', epsilon },
      seed: 0,
      batchSize: 64,
      activeSet: 'within-attack',
      warnings,
      clean: accuracyOf(clean, 100),
      robust: accuracyOf(robust, 100),
      attacks: attacks.map((attack) => ({
        name: attack,
        accuracy: accuracyOf(robust, 100),
        access: 'white-box',
        attacked: clean,
        broken: clean - robust,
        tries: clean,
        targetedSuccess: null,
        seconds: 1,
      })),
    },
    details: { seed: '0' },
    ...rest,
  };
}

type Made = Partial<Omit<BoardEntry, 'evaluation'>> & {
  clean?: number;
  data?: string;
  epsilon?: number;
  attacks?: string[];
  warnings?: BoardEntry['evaluation']['warnings'];
};
