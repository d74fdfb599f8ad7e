import type { FileBytes } from './file-bytes.ts';

/** The first value of a feature of a `tf.train.Example`; bytes are left where they are. */
export interface Feature {
  readonly bytes?: { readonly offset: number; readonly length: number };
  readonly integer?: number;
}

/** Keys are short; a longer one is damage. */
const longestKey = 1024;

/**
 * The features of a serialised `tf.train.Example` that have one value. Only the structure is read, so an
 * image of any size costs nothing.
 *
 * Example: 1 Features. Features: 1 map<string, Feature>, each entry with 1 key and 2 value. Feature: 1
 * BytesList, 2 FloatList or 3 Int64List, each with 1 values (integers packed or not). Protocol buffers'
 * wire format: a varint of field × 8 + wire type; type 0 is a varint, 1 eight bytes, 2 length and bytes, 5
 * four bytes.
 *
 * @throws an error that names file and byte, for what is no such message
 */
export function featuresOf(file: FileBytes, offset: number, length: number): Map<string, Feature> {
  const features = new Map<string, Feature>();
  for (const outer of fields(file, offset, offset + length)) {
    if (!isMessage(outer, 1)) continue;
    for (const entry of fields(file, outer.start, outer.end)) {
      if (isMessage(entry, 1)) addFeature(features, file, entry);
    }
  }
  return features;
}

interface Field {
  number: number;
  wireType: number;
  /** Of a message or string: where its content lies. Of a number: where it is written. */
  start: number;
  end: number;
}

const isMessage = (field: Field, number: number) => field.number === number && field.wireType === 2;

function addFeature(features: Map<string, Feature>, file: FileBytes, entry: Field): void {
  let key = '';
  let feature: Feature = {};
  for (const field of fields(file, entry.start, entry.end)) {
    if (isMessage(field, 1)) {
      const length = field.end - field.start;
      if (length > longestKey) throw file.error(field.start, `a key of ${length} bytes is damaged`);
      key = file.at(field.start, length).toString();
    } else if (isMessage(field, 2)) {
      feature = firstValue(file, field);
    }
  }
  features.set(key, feature);
}

/** Empty when there is not exactly one value, or when it is a float. */
function firstValue(file: FileBytes, { start, end }: Field): Feature {
  let feature: Feature = {};
  for (const list of fields(file, start, end)) {
    if (isMessage(list, 1)) {
      const values = atMostTwo(fields(file, list.start, list.end));
      const only = values.length === 1 ? values[0]! : undefined;
      feature =
        only?.wireType === 2
          ? { bytes: { offset: only.start, length: only.end - only.start } }
          : {};
    } else if (isMessage(list, 3)) {
      const integer = onlyInteger(file, list);
      feature = integer === undefined ? {} : { integer };
    }
  }
  return feature;
}

function onlyInteger(file: FileBytes, list: Field): number | undefined {
  const values = atMostTwo(fields(file, list.start, list.end));
  const only = values.length === 1 ? values[0]! : undefined;
  if (!only || only.start === only.end) return undefined;
  const { value, end } = varint(file, only.start, only.end);
  return end === only.end ? value : undefined;
}

/** Whether there is one value is all that matters: a list may be long. */
function atMostTwo(values: Iterable<Field>): Field[] {
  const first: Field[] = [];
  for (const value of values) {
    first.push(value);
    if (first.length === 2) break;
  }
  return first;
}

/** The fields of a message, in order. */
function* fields(file: FileBytes, start: number, end: number): Generator<Field, void, undefined> {
  for (let position = start; position < end; ) {
    const tag = varint(file, position, end);
    const number = Math.floor(tag.value / 8);
    const wireType = tag.value % 8;
    let from = tag.end;
    let to: number;
    if (wireType === 0) {
      to = varint(file, from, end).end;
    } else if (wireType === 1 || wireType === 5) {
      to = from + (wireType === 1 ? 8 : 4);
    } else if (wireType === 2) {
      const length = varint(file, from, end);
      from = length.end;
      to = from + length.value;
    } else {
      throw file.error(position, 'this is no tf.train.Example (an unknown wire type)');
    }
    if (number < 1 || to < from || !(to <= end)) {
      throw file.error(
        position,
        'this is no tf.train.Example (a field reaches beyond its message)',
      );
    }
    yield { number, wireType, start: from, end: to };
    position = to;
  }
}

/** Seven bits a byte, the lowest first; negative numbers, ten bytes long, come out negative. */
function varint(file: FileBytes, start: number, end: number): { value: number; end: number } {
  const bytes = file.at(start, Math.min(10, end - start));
  let value = 0;
  for (let i = 0; i < bytes.length; i++) {
    value += (bytes[i]! & 0x7f) * 2 ** (7 * i);
    if (bytes[i]! < 0x80) return { value: i < 7 ? value : large(bytes, i), end: start + i + 1 };
  }
  throw file.error(start, 'this is no tf.train.Example (a number without an end)');
}

/** A number of more than 49 bits, as a signed one of 64. */
function large(bytes: Uint8Array, last: number): number {
  let value = 0n;
  for (let i = 0; i <= last; i++) value |= BigInt(bytes[i]! & 0x7f) << BigInt(7 * i);
  return Number(BigInt.asIntN(64, value));
}
