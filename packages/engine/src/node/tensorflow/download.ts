import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lets `fetch` put one file into a folder of its own, and moves it into `folder` when that has ended well: what is
 * in `folder` is whole. `report` is told every second how many bytes have arrived.
 */
export async function download(
  folder: string,
  staging: string,
  fetch: (into: string) => Promise<unknown>,
  report: (bytes: number) => void,
): Promise<string> {
  mkdirSync(staging, { recursive: true });
  const into = mkdtempSync(join(staging, 'download-'));
  const timer = setInterval(() => report(bytesIn(into)), 1000);
  try {
    await fetch(into);
    const file = readdirSync(into, { withFileTypes: true }).find((entry) => entry.isFile());
    if (!file) throw new Error(`The download brought no file.`);
    mkdirSync(folder, { recursive: true });
    renameSync(join(into, file.name), join(folder, file.name));
    return join(folder, file.name);
  } finally {
    clearInterval(timer);
    rmSync(into, { recursive: true, force: true });
  }
}

/** The bytes of all files under a folder, which may be changing. */
export function bytesIn(folder: string): number {
  let total = 0;
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile())
        total += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
    }
  } catch {
    // A folder went away while it was read.
  }
  return total;
}
