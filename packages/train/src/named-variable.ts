import { tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core';

/** An array that training changes, and what a checkpoint calls it. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: Variable;
}

/** Zeros of the shape of each variable, the caller's to dispose of, by the variable's name under a prefix. */
export const zerosFor = (variables: readonly NamedVariable[], prefix: string): NamedVariable[] =>
  variables.map((like) => ({
    name: `${prefix}/${like.name}`,
    variable: tidy(() => variable(zerosLike(like.variable), false)),
  }));

/** @throws when two have the same name: one would take the other's place in a checkpoint */
export function assertUniqueNames(variables: readonly NamedVariable[]): void {
  const seen = new Set<string>();
  for (const { name } of variables) {
    if (seen.has(name)) {
      throw new Error(
        `Two arrays of the training are called ${name}. Give each parameter and running statistic of the network a name of its own.`,
      );
    }
    seen.add(name);
  }
}
