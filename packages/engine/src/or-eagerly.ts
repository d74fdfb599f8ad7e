import { NotCompilableError } from './graph/not-compilable-error.ts';

/**
 * Makes a function of a compiled one and of the same thing done eagerly, for what may not be compilable: a network or
 * a regulariser of somebody else's. It runs the first until that turns out, and the second from then on.
 *
 * @param onEager - told why, once
 */
export function orEagerly<Arguments extends readonly unknown[], Output>(
  compiled: (...args: Arguments) => Output,
  eagerly: (...args: Arguments) => Output,
  onEager: (reason: NotCompilableError) => void,
): (...args: Arguments) => Output {
  let compilable = true;
  return (...args) => {
    if (!compilable) return eagerly(...args);
    try {
      return compiled(...args);
    } catch (error) {
      if (!(error instanceof NotCompilableError)) throw error;
      compilable = false;
      onEager(error);
      return eagerly(...args);
    }
  };
}
