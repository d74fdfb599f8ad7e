import type { Artefact } from './artefact.ts';
import { figureA1 } from './figure-a1.ts';
import { figureF2 } from './figure-f2.ts';
import { figureF3 } from './figure-f3.ts';
import { figureF4 } from './figure-f4.ts';
import { tableA1 } from './table-a1.ts';
import { tableF2 } from './table-f2.ts';
import { tableF3 } from './table-f3.ts';
import { tableF4 } from './table-f4.ts';

/** What can be reproduced, in the paper's order. */
export const artefacts: readonly Artefact[] = [
  tableA1,
  figureA1,
  tableF2,
  tableF3,
  tableF4,
  figureF2,
  figureF3,
  figureF4,
];
