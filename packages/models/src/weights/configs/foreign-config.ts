/** A description of a network that other code wrote, and which network here computes the same. */
export interface ForeignConfig {
  /** Whether a `config.json` is that code's. */
  isOf(config: Record<string, unknown>): boolean;
  /**
   * What `createModel` takes.
   *
   * @param readBeside - reads another JSON file of the folder
   * @throws when the network is none of those here
   */
  options(
    config: Record<string, unknown>,
    readBeside: (file: string) => Promise<Record<string, unknown>>,
  ): Promise<Record<string, unknown>>;
}

/** @param file - beside `config.json`, if it is not that one */
export const refuse = (why: string, file?: string) =>
  new Error(`${file ? `${file} beside it: ` : ''}${why}.`);

/** An object as it is; nothing for anything else. */
export const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
