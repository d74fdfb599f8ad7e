/** The fields that events are made of, in the wire format of Protocol Buffers. */

const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A 64-bit number, seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

const tag = (field: number, type: keyof typeof wireType): Buffer =>
  varint(field * 8 + wireType[type]);

/** @param value - a whole number from 0 to 2^53 */
export const integerField = (field: number, value: number): Buffer =>
  Buffer.concat([tag(field, 'varint'), varint(value)]);

export function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, 'fixed64'), bytes]);
}

export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, 'fixed32'), bytes]);
}

/** A message inside a message. */
export const messageField = (field: number, parts: readonly Buffer[]): Buffer => {
  const message = Buffer.concat(parts);
  return Buffer.concat([tag(field, 'bytes'), varint(message.length), message]);
};

export const textField = (field: number, text: string): Buffer =>
  messageField(field, [Buffer.from(text)]);
