/** A reason to doubt an evaluation's numbers. */
export interface Warning {
  readonly check: string;
  readonly message: string;
}
