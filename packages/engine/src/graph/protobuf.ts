/** A protocol buffer message, or part of one: the few wire types that a graph needs, written field by field. */
export type Bytes = Uint8Array;

const text = new TextEncoder();

/** Parts one after the other. */
export function concat(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function varint(value: number): Bytes {
  const bytes: number[] = [];
  // Negative numbers are sent as 64-bit two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const wire = { varint: 0, bytes: 2, fixed32: 5 } as const;

const key = (field: number, type: keyof typeof wire) => varint((field << 3) | wire[type]);

export const message = (field: number, ...content: readonly Bytes[]): Bytes => {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return concat(key(field, 'bytes'), varint(length), ...content);
};

export const string = (field: number, value: string): Bytes => message(field, text.encode(value));

export const integer = (field: number, value: number): Bytes =>
  concat(key(field, 'varint'), varint(value));

export function float(field: number, value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return concat(key(field, 'fixed32'), bytes);
}
