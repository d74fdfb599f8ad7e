import { doubleField, floatField, integerField, messageField, textField } from './protobuf.ts';
import { tfRecord } from './tf-record.ts';

/** The fields of TensorFlow's event.proto and summary.proto that are written. */
const field = {
  event: { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 },
  summary: { value: 1 },
  value: { tag: 1, simpleValue: 2 },
  sessionLog: { status: 1 },
} as const;

const sessionStart = 1;

/** The record that every file begins with. @param seconds - since 1970, as in all of them */
export const versionRecord = (seconds: number): Buffer =>
  event(seconds, textField(field.event.fileVersion, 'brain.Event:2'));

/** Scalars of one step, by their tags. */
export function scalarsRecord(
  seconds: number,
  step: number,
  scalars: Readonly<Record<string, number>>,
): Buffer {
  const { tag, simpleValue } = field.value;
  const values = Object.entries(scalars).map(([name, value]) =>
    messageField(field.summary.value, [textField(tag, name), floatField(simpleValue, value)]),
  );
  return event(
    seconds,
    integerField(field.event.step, step),
    messageField(field.event.summary, values),
  );
}

/** Says that training began anew at a step: what files before this one have of it, and of later ones, is void. */
export const restartRecord = (seconds: number, step: number): Buffer =>
  event(
    seconds,
    integerField(field.event.step, step),
    messageField(field.event.sessionLog, [integerField(field.sessionLog.status, sessionStart)]),
  );

const event = (seconds: number, ...fields: Buffer[]): Buffer =>
  tfRecord(Buffer.concat([doubleField(field.event.wallTime, seconds), ...fields]));
