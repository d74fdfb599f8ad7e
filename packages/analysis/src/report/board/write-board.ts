import { writePage } from '../write-page.ts';
import { board } from './board.ts';
import type { BoardInput } from './input.ts';

/**
 * Writes a board's page whole or not at all. Makes the folder where there is none.
 *
 * @throws as `board` does, before anything is written
 */
export async function writeBoard(file: string, input: BoardInput): Promise<void> {
  await writePage(file, 'board', board(input));
}
