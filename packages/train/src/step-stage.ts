import { NotCompilableError } from '@llr/engine';

/** Whose part of a step something is: a regulariser's, by its place among them, or what all of it runs through. */
export type StepPart =
  | { readonly stage: 'search' | 'penalty'; readonly name: string; readonly place: number }
  | { readonly stage: 'network'; readonly name: string }
  | { readonly stage: 'loss' | 'optimizer' };

/** Why a part of a step can't become part of a graph, and which it is. */
export class StageNotCompilable extends NotCompilableError {
  readonly part: StepPart;

  constructor(part: StepPart, cause: NotCompilableError) {
    super(cause.message, { cause });
    this.part = part;
  }
}

/** Runs a part of a step. What can't be compiled is put down to the innermost part that it turned out in. */
export function inStage<T>(part: StepPart, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    if (!(error instanceof NotCompilableError) || error instanceof StageNotCompilable) throw error;
    throw new StageNotCompilable(part, error);
  }
}

/** The part that an error was put down to, if it was to any. */
export function blamedFor(error: unknown): StageNotCompilable | undefined {
  if (error instanceof StageNotCompilable) return error;
  return error instanceof Error ? blamedFor(error.cause) : undefined;
}

/** What people call it. */
export function partName(part: StepPart): string {
  switch (part.stage) {
    case 'loss':
      return 'loss';
    case 'optimizer':
      return 'optimiser';
    case 'network':
      return `network ${part.name}`;
    default:
      return `${part.stage} of the regulariser ${part.name}`;
  }
}
