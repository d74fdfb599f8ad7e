import {
  apgd,
  apgdTargeted,
  fgsm,
  leastLikely,
  multiTargeted,
  paperSuite,
  pgd,
  randomTargeted,
  square,
  standardSuite,
  untargeted,
} from '@llr/attacks';
import type { Attack, Classifier } from '@llr/core';
import { InvalidArgumentError } from 'commander';

/** What an attack of the command line is made with. */
export interface Strength {
  epsilon: number;
  steps: number | undefined;
  restarts: number | undefined;
}

const defaultSteps = 20;

/** Adam's steps take four times across the ball, however many they are. */
const ascent = ({ epsilon, steps = defaultSteps, restarts = 1 }: Strength) => ({
  steps,
  restarts,
  stepSize: Math.max((4 * epsilon) / steps, 1e-4),
});

const autoPgd = ({ steps, restarts = 1 }: Strength) => ({
  restarts,
  ...(steps !== undefined && { steps }),
});

const attacks = {
  fgsm: () => fgsm(),
  pgd: (strength: Strength) => pgd(ascent(strength)),
  untargeted: (strength: Strength) => untargeted(ascent(strength)),
  'random-targeted': (strength: Strength) => randomTargeted(ascent(strength)),
  'least-likely': (strength: Strength) => leastLikely(ascent(strength)),
  'multi-targeted': (strength: Strength) => multiTargeted(ascent(strength)),
  'apgd-ce': (strength: Strength) => apgd(autoPgd(strength)),
  'apgd-dlr': (strength: Strength) => apgd({ objective: 'dlr', ...autoPgd(strength) }),
  'apgd-targeted': (strength: Strength) => apgdTargeted(autoPgd(strength)),
  square: ({ restarts = 1 }: Strength) => square({ restarts }),
} satisfies Record<string, (strength: Strength) => Attack>;

/** A name that `--attacks` takes. */
export type AttackName = keyof typeof attacks;

export const attackNames = Object.keys(attacks) as AttackName[];

export const attackNamed = (name: AttackName, strength: Strength): Attack =>
  attacks[name](strength);

/** `fgsm,pgd`. */
export function attackList(text: string): AttackName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(attacks, name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `There is no attack "${unknown}". Attacks: ${attackNames.join(', ')}.`,
    );
  }
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new InvalidArgumentError(`"${twice}" is named twice.`);
  return names as AttackName[];
}

/** From so many classes on, every wrong class in turn is too many. */
const manyClasses = 1000;

const suites = {
  quick: (_: Classifier, strength: Strength) =>
    (['fgsm', 'pgd', 'multi-targeted'] as const).map((name) => attacks[name](strength)),
  paper: ({ numClasses }: Classifier, { steps, restarts }: Strength) =>
    paperSuite({
      // As in the paper: Multi-Targeted on CIFAR-10, Random-Targeted on ImageNet.
      targets: numClasses < manyClasses ? 'every' : 'random',
      ...(steps !== undefined && { steps }),
      ...(restarts !== undefined && { restarts }),
    }),
  standard: (_: Classifier, { steps }: Strength) =>
    standardSuite(steps === undefined ? {} : { steps }),
} satisfies Record<string, (classifier: Classifier, strength: Strength) => Attack[]>;

/** A name that `--suite` takes. */
export type SuiteName = keyof typeof suites;

export const suiteNames = Object.keys(suites) as SuiteName[];

export const suiteNamed = (
  name: SuiteName,
  classifier: Classifier,
  strength: Strength,
): readonly Attack[] => suites[name](classifier, strength);
