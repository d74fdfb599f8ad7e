/** Why a function can't become a graph. It may still run eagerly. */
export class NotCompilableError extends Error {
  override readonly name = 'NotCompilableError';
}
