import { type FileHandle, open } from 'node:fs/promises';
import { bytesPerElement, toFloat32 } from './number-formats.ts';
import { refuseOtherFormats } from './other-formats.ts';
import { headerLength, lengthBytes, parseHeader, type StoredTensor } from './safetensors-header.ts';

/** A safetensors file that is open: its tensors stay on disk until they are read, one at a time. */
export interface SafetensorsFile {
  readonly file: string;
  /** In the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** A floating-point tensor's values as float32, in pieces; each is gone when the next one comes. */
  pieces(tensor: StoredTensor): AsyncIterable<Float32Array>;
  /** All of them at once. */
  read(tensor: StoredTensor): Promise<Float32Array>;
}

const pieceBytes = 1 << 20;

/**
 * Opens a safetensors file for as long as `use` takes. What the header claims is checked against the file's
 * size and the format's limit before any memory is taken for it.
 *
 * @throws when it is cut off, no safetensors file, or one of another kind (PyTorch's, HDF5: these are never
 *   unpacked or run), and what `use` throws
 */
export async function withSafetensors<T>(
  file: string,
  use: (opened: SafetensorsFile) => Promise<T>,
): Promise<T> {
  const handle = await open(file, 'r');
  try {
    return await use(await openSafetensors(handle, file));
  } finally {
    await handle.close();
  }
}

async function openSafetensors(handle: FileHandle, file: string): Promise<SafetensorsFile> {
  const status = await handle.stat();
  if (!status.isFile()) throw new Error(`${file} is no file.`);
  const readAt = async (bytes: Uint8Array, position: number): Promise<void> => {
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
      if (bytesRead === 0) throw new Error(`${file} became shorter while it was read.`);
      done += bytesRead;
    }
  };
  const start = new Uint8Array(Math.min(lengthBytes, status.size));
  await readAt(start, 0);
  refuseOtherFormats(start, file);
  const header = new Uint8Array(headerLength(start, status.size, file));
  await readAt(header, lengthBytes);
  const tensors = parseHeader(header, status.size, file);
  const data = lengthBytes + header.length;

  async function* pieces({ dtype, range }: StoredTensor): AsyncGenerator<Float32Array> {
    const [begin, end] = range;
    const memory = new ArrayBuffer(Math.min(pieceBytes, end - begin));
    for (let at = begin; at < end; at += memory.byteLength) {
      const size = Math.min(memory.byteLength, end - at);
      await readAt(new Uint8Array(memory, 0, size), data + at);
      yield toFloat32(dtype, size === memory.byteLength ? memory : memory.slice(0, size));
    }
  }

  return {
    file,
    tensors,
    pieces,
    read: async (tensor) => {
      const [begin, end] = tensor.range;
      const values = new Float32Array((end - begin) / bytesPerElement.get(tensor.dtype)!);
      let at = 0;
      for await (const piece of pieces(tensor)) {
        values.set(piece, at);
        at += piece.length;
      }
      return values;
    },
  };
}
