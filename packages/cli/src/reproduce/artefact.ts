import type { PublishedColumn, Scale } from '@llr/train';
import type { Findings } from './findings.ts';
import type { Laboratory } from './laboratory.ts';
import type { NetworkChoice } from './networks.ts';

/** A network that a table or figure needs. */
export interface Needed extends NetworkChoice {
  /** What it is attacked for. */
  readonly columns: readonly PublishedColumn[];
  /** Input gradients that are taken of it besides: for what the work will take. */
  readonly gradients?: {
    /** Each of one image. */
    readonly inAll?: number;
    /** Of each image that it is measured on. */
    readonly perImage?: number;
  };
}

/** A table or a figure of the paper's supplement, and how it is made again. */
export interface Artefact {
  /** As on the command line: `table-f4`. */
  readonly name: string;
  readonly title: string;
  needs(scale: Scale): readonly Needed[];
  reproduce(laboratory: Laboratory): Promise<Findings>;
}
