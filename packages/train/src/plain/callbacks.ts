import type { TrainCallback } from '../callbacks.ts';
import { callbackMethods, isCallback } from '../experiment.ts';
import type { Kind } from './kind.ts';

/** Callbacks come from modules; none has a name. */
export const callbacks: Kind<TrainCallback> = {
  title: 'a callback',
  shape: `an object with one of the methods ${callbackMethods.join(', ')}`,
  is: isCallback,
  plugins: {},
};
