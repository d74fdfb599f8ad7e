import type { Accuracy } from '@llr/attacks';
import type { PublishedColumn } from '@llr/train';

/** Whether a claim of the paper shows here. */
export type Outcome = 'confirmed' | 'not confirmed' | 'undecided' | 'for the eye';

/** Something the paper says, and what is found about it. */
export interface Claim {
  claim: string;
  /** Where the paper's supplement says so: “F.4, Table F4”. */
  source: string;
  outcome: Outcome;
  /** The numbers it was judged by, in words. */
  evidence: string;
}

/** A number of the paper beside ours. */
export interface Cell {
  column: PublishedColumn;
  /** As printed, in percent. */
  paper: number;
  ours: Accuracy;
  /** Ours less the paper's, in percentage points. */
  difference: number;
}

/** A network's row of a table. */
export interface Row {
  label: string;
  /** Its folder, below that of the results. */
  network: string;
  cells: Cell[];
}

/** A file that shows something. */
export interface Figure {
  file: string;
  /** What is to be seen, for who can't see it. */
  alt: string;
}

/** Something measured of networks that the paper shows without numbers. */
export interface Measure {
  /** “median √γ”. */
  what: string;
  /** By the network’s name. */
  values: Record<string, number>;
}

/** What came of a table or figure. */
export interface Findings {
  rows: Row[];
  measures: Measure[];
  claims: Claim[];
  figures: Figure[];
  notes: string[];
}
