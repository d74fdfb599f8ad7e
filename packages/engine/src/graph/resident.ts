import { type DataId, engine, type Tensor, type Variable } from '@tensorflow/tfjs-core';

interface Tracking {
  disposeTensor(tensor: Tensor): void;
  trackTensor(tensor: Tensor, backend: unknown): void;
}

/** Stands in for the backend of a variable whose values are in a session. */
const elsewhere = {
  disposeData: () => true,
  readSync: refuse,
  read: refuse,
};

function refuse(): never {
  throw new Error(
    'This variable lives in the session of a program: its values are there. Call read() of the program (or of the stepper) before using the variable outside of it.',
  );
}

const away = new WeakSet<DataId>();

/** Whether a variable's values are in a session alone. */
export const isAway = ({ dataId }: Tensor): boolean => away.has(dataId);

/** Frees what a variable holds, so that a session's values are the only ones. Until it is assigned to, reading it is an error. */
export function sendAway(variable: Variable): void {
  if (isAway(variable)) return;
  const tracking = engine() as unknown as Tracking;
  tracking.disposeTensor(variable);
  variable.dataId = {};
  away.add(variable.dataId);
  tracking.trackTensor(variable, elsewhere);
}
