// Our attacks under the names that the bench has for them, with the same budgets as the peers' (libraries.py).
import * as attacks from '@llr/attacks';
import { sign } from '@llr/core';

const optimizer = sign();

const makers = {
  fgsm: () => [attacks.fgsm()],
  pgd: ({ steps, stepSize, restarts = 1 }) => [
    attacks.pgd({ steps, stepSize, restarts, optimizer }),
  ],
  targeted: ({ steps, stepSize }) => [attacks.multiTargeted({ steps, stepSize, optimizer })],
  'apgd-ce': ({ steps }) => [attacks.apgd({ steps })],
  'apgd-dlr': ({ steps }) => [attacks.apgd({ steps, objective: 'dlr' })],
  'apgd-t': ({ steps }) => [attacks.apgdTargeted({ steps })],
  square: ({ queries }) => [attacks.square({ queries })],
  suite: (options) => attacks.standardSuite(options),
};

export const attackOf = ({ attack, options }) => makers[attack](options);
