/** What has gone wrong on one rank or several, and every rank knows: all of them end by it, in order. */
export class SharedFailure extends Error {
  override readonly name = 'SharedFailure';
}

/** Whether every rank knows of an error, or of what caused it. */
export const isShared = (error: unknown): boolean =>
  error instanceof SharedFailure || (error instanceof Error && isShared(error.cause));

/** Another rank has failed, or gives no sign of life; the message names it. */
export class RankLost extends Error {
  override readonly name = 'RankLost';
}
