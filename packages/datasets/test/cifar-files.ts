import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll } from 'vitest';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A file of the fixtures. */
export const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)));

/** A temporary folder that goes away with the test file, and folders in it. */
export function temporary(): { root: string; folderOf(files: Files): string } {
  const root = mkdtempSync(join(tmpdir(), 'cifar-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  let folders = 0;
  return {
    root,
    folderOf: (files) => {
      const folder = join(root, `folder-${folders++}`);
      mkdirSync(folder);
      for (const [path, data] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), data);
      }
      return folder;
    },
  };
}

/** A tar archive of files, in their order. */
export async function tarOf(files: Files): Promise<Buffer> {
  const archive = pack();
  for (const [name, data] of Object.entries(files)) {
    archive.entry({ name }, Buffer.from(data as Uint8Array));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const tarGzOf = async (files: Files): Promise<Buffer> => gzipSync(await tarOf(files));
