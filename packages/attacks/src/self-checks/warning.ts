/** A reason why an evaluation may not mean what people take it to mean. */
export interface Warning {
  /** Which check saw it: `'zero-gradients'`, `'randomized'`, … */
  readonly check: string;
  /** What was seen, with figures; why it matters; what to do. */
  readonly message: string;
}

/** “3 of 32 examples” */
export const share = (count: number, total: number, of = 'examples'): string =>
  `${count} of ${total} ${of}`;

/** Three significant digits, so that a figure reads as one. */
export const figure = (value: number): string => String(Number(value.toPrecision(3)));
