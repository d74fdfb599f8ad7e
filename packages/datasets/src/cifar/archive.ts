import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';

/** The largest official file, CIFAR-100's train.bin, has 154 MB. */
export const longestFile = 2 ** 28;

/** The official archives unpack to 185 MB. */
const longestArchive = 2 ** 29;

/**
 * Whether a file is a tar archive, and how it is compressed, by its first bytes.
 */
export async function archiveKind(file: string): Promise<'tar' | 'tar.gz' | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    if (bytesRead >= 2 && buffer[0] === 0x1f && buffer[1] === 0x8b) return 'tar.gz';
    return bytesRead === 512 && buffer.toString('latin1', 257, 262) === 'ustar' ? 'tar' : undefined;
  } finally {
    await handle.close();
  }
}

/**
 * Reads files out of a tar archive, compressed or not, in one pass and without unpacking it. It is read to
 * its end, which compares the checksum of a compressed one.
 *
 * @param wanted - asked for each file by its path, in the order of the archive
 * @returns the wanted files by their paths, and all paths
 * @throws when the archive is damaged or truncated, or unpacks to more than half a gigabyte
 */
export async function readArchive(
  archive: string,
  kind: 'tar' | 'tar.gz',
  wanted: (path: string) => boolean,
): Promise<{ paths: readonly string[]; files: Map<string, Uint8Array> }> {
  const files = new Map<string, Uint8Array>();
  const paths: string[] = [];
  const tar = extract();
  const stages = [createReadStream(archive, { highWaterMark: 2 ** 18 })];
  const unzip = kind === 'tar.gz' ? [createGunzip({ chunkSize: 2 ** 18 })] : [];
  const flowing = pipeline([...stages, ...unzip, atMost(longestArchive), tar]);
  try {
    for await (const entry of tar) {
      const path = entry.header.name;
      if (entry.header.type === 'file' && paths.length < 10_000) {
        paths.push(path);
        if (wanted(path)) {
          files.set(path, await readEntry(entry, entry.header));
          continue;
        }
      }
      entry.resume();
    }
    await flowing;
  } catch (cause) {
    // Whichever of the two failed, the other has nothing to add.
    await flowing.catch(() => {});
    throw new Error(`${archive} is damaged or truncated: ${(cause as Error).message}.`, { cause });
  }
  return { paths, files };
}

async function readEntry(
  entry: AsyncIterable<unknown>,
  { name, size = 0 }: Header,
): Promise<Uint8Array> {
  if (size > longestFile) {
    throw new Error(`${name} would have ${size.toLocaleString('en')} bytes`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

function atMost(limit: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      seen += chunk.length;
      if (seen <= limit) done(null, chunk);
      else done(new Error(`it unpacks to more than ${limit.toLocaleString('en')} bytes`));
    },
  });
}
