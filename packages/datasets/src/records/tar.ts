import type { FileBytes } from './file-bytes.ts';

/** A regular file in a tar. */
export interface TarMember {
  readonly name: string;
  /** Where its content begins in the file that was read, in bytes. */
  readonly offset: number;
  readonly size: number;
}

const block = 512;
/** Long names and pax records are small; a larger one is damage. */
const largestExtension = 1 << 20;

/**
 * The regular files of an uncompressed tar, in its order, by their headers alone: ustar, GNU long names and
 * base-256 sizes, pax paths and sizes. Folders, links and devices are passed over. Names are nothing but
 * names: nothing is written.
 *
 * @param file - what the tar lies in
 * @param start - where the tar begins in it, and `end` where it ends: a tar may be the member of another
 * @throws an error that names file and byte: a header whose checksum is wrong, a member that reaches beyond
 *   the end, a tar without its end mark (cut short), sparse and multi-volume members
 */
export function* tarMembers(
  file: FileBytes,
  start = 0,
  end = file.size,
): Generator<TarMember, void, undefined> {
  let longName: string | undefined;
  let pax: PaxRecords = {};
  for (let position = start; ; ) {
    if (position + block > end) {
      throw file.error(
        position,
        'the tar ends without its end mark (zeros): it was cut short, or is still being written',
      );
    }
    const header = file.at(position, block);
    if (isZero(header)) return;
    if (!checksumHolds(header)) {
      throw file.error(position, 'this is no tar header (its checksum is wrong)');
    }
    const type = String.fromCharCode(header[156]!);
    const headerName = nameOf(header);
    const headerSize = sizeOf(header);
    const isExtension = 'xXgLK'.includes(type);
    const size = isExtension ? headerSize : (pax.size ?? headerSize);
    const name = isExtension ? headerName : (pax.path ?? longName ?? headerName);
    if (!Number.isSafeInteger(size)) {
      throw file.error(position, `the size of ${name} is no number of bytes`);
    }
    const content = position + block;
    const occupied = hasContent(type) ? size : 0;
    if (content + occupied > end) {
      throw file.error(
        position,
        `${name} should have ${size} bytes, but the tar ends after ${end - content}: it was cut short`,
      );
    }
    position = content + Math.ceil(occupied / block) * block;
    if (isExtension) {
      if (size > largestExtension) {
        throw file.error(content, `an extended header of ${size} bytes is damaged`);
      }
      const bytes = file.at(content, size);
      if (type === 'L') longName = untilZero(bytes);
      else if (type === 'x' || type === 'X') pax = paxRecords(bytes, file, content);
      else if (type === 'g') {
        const shared = paxRecords(bytes, file, content);
        if (shared.path !== undefined || shared.size !== undefined) {
          throw file.error(content, 'one path or size for all members (a global pax header)');
        }
      }
      continue;
    }
    longName = undefined;
    pax = {};
    if (type === 'S' || type === 'M') {
      throw file.error(
        content - block,
        `${name} is a sparse or multi-volume member: not supported`,
      );
    }
    // A v7 tar marks folders by the slash alone.
    if (isRegular(type) && !name.endsWith('/')) yield { name, offset: content, size };
  }
}

const isRegular = (type: string) => type === '0' || type === '\0' || type === '7';

/** Links (1, 2), devices (3, 4, 6) and folders (5) have none, whatever their size says. */
const hasContent = (type: string) => !'123456'.includes(type);

function isZero(header: Buffer): boolean {
  for (let i = 0; i < block; i++) if (header[i] !== 0) return false;
  return true;
}

/** The sum of the header's bytes, its own field counted as spaces; some old tars summed signed bytes. */
function checksumHolds(header: Buffer): boolean {
  const stored = octal(header, 148, 8);
  let sum = 8 * 32;
  let negative = 0;
  for (let i = 0; i < block; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = header[i]!;
    sum += byte;
    if (byte > 127) negative++;
  }
  return stored === sum || stored === sum - 256 * negative;
}

function nameOf(header: Buffer): string {
  const name = untilZero(header.subarray(0, 100));
  // GNU's own format ('ustar  ') has times in the place of the prefix.
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? untilZero(header.subarray(345, 500)) : '';
  return prefix ? `${prefix}/${name}` : name;
}

/** Octal, or big-endian binary where the first bit says so. NaN when it is neither. */
function sizeOf(header: Buffer): number {
  const first = header[124]!;
  if (first < 0x80) return octal(header, 124, 12);
  if (first === 0xff) return Number.NaN;
  let size = first & 0x7f;
  for (let i = 125; i < 136; i++) size = size * 256 + header[i]!;
  return size;
}

function octal(header: Buffer, offset: number, length: number): number {
  const text = untilZero(header.subarray(offset, offset + length)).trim();
  if (text === '') return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

function untilZero(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

interface PaxRecords {
  path?: string;
  size?: number;
}

/** `"<length> <key>=<value>\n"`, one after the other; the length counts the whole record. */
function paxRecords(bytes: Buffer, file: FileBytes, offset: number): PaxRecords {
  const records: PaxRecords = {};
  for (let position = 0; position < bytes.length && bytes[position] !== 0; ) {
    const space = bytes.indexOf(0x20, position);
    const length = space < 0 ? Number.NaN : Number(bytes.toString('latin1', position, space));
    const end = position + length;
    const equals = bytes.indexOf(0x3d, space);
    const isRecord =
      Number.isInteger(length) &&
      end <= bytes.length &&
      equals > space &&
      equals < end &&
      bytes[end - 1] === 0x0a;
    if (!isRecord) throw file.error(offset + position, 'this pax header is damaged');
    const key = bytes.toString('utf8', space + 1, equals);
    const value = bytes.toString('utf8', equals + 1, end - 1);
    if (key === 'path') records.path = value;
    if (key === 'size') records.size = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (key.startsWith('GNU.sparse.')) {
      throw file.error(offset + position, 'this member is sparse: not supported');
    }
    position = end;
  }
  return records;
}
