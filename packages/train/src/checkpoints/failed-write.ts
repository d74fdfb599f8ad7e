const full = ['ENOSPC', 'EDQUOT'];

/**
 * Does something that writes files.
 *
 * @param what - the subject of the error's sentence: `The checkpoint after step 8`
 * @param kept - a sentence on what is left
 * @throws saying what could not be written, why, and what to do; what the file system has no part in, as it is
 */
export async function writing<T>(what: string, kept: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const why = full.includes(code) ? 'the disk is full' : 'writing failed';
    throw new Error(
      `${what} could not be written: ${why} (${message}). ${kept} When that is mended, llr train --resume (in code, resume: true) goes on.`,
      { cause: error },
    );
  }
}
