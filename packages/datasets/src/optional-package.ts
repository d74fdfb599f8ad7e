/**
 * Loads a package that is only installed by those who want it.
 *
 * @throws an error that says how to install it when it isn't there; any other failure as it is
 */
export async function optionalPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(name)) throw cause;
    throw new Error(`${name} is not installed: npm install ${name}`, { cause });
  }
}
